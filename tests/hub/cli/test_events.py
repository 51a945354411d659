"""`lenshub events` shows events as they stand, as a table, as JSON, and as CloudEvents."""

from __future__ import annotations

import json

import pytest

from hub.cli.events import list_seen
from hub.event import Detection


@pytest.fixture
async def stored(data, arrivals, soon):
    """An event and what was said of it later."""
    for attributes in ({"camera": "door"}, {"sub_label": "Rex"}):
        event = arrivals.event("house", kind="amendment", key="k", source="frigate", attributes=attributes)
        await soon(data.add(arrivals.plain(event)))


def test_events_name_twenty_labels_and_count_the_others(arrivals):
    found = tuple(Detection(label=f"cup-{number}", confidence=0.5) for number in range(1000))
    said = list_seen(arrivals.event(detections=found))

    assert said.startswith("cup-0 50.00%, cup-1 ")
    assert said.endswith("cup-19 50.00% and 980 more")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("option", [("--json",), ("--format", "json")])
def test_events_are_shown_once_with_all_that_was_said_of_them(lenshub, option):
    (event,) = json.loads(lenshub("events", *option).output)

    assert (event["id"], event["kind"], event["amends"]) == (1, "event", None)
    assert event["attributes"] == {"camera": "door", "sub_label": "Rex"}


@pytest.mark.usefixtures("stored")
def test_events_are_a_batch_of_cloudevents_where_it_is_asked_for(lenshub):
    (said,) = json.loads(lenshub("events", "--format", "cloudevents").output)

    assert {name: said[name] for name in ("specversion", "type", "source", "subject", "time")} == {
        "specversion": "1.0",
        "type": "org.lenshub.event.v1",
        "source": "/lenshub/devices/house",
        "subject": "house",
        "time": "2026-11-21T12:00:00Z",
    }
    assert said["data"]["detections"][0]["label"] == "thumbs-up"


@pytest.mark.usefixtures("stored")
def test_explain_says_so_when_no_plugin_gets_events(lenshub):
    said = lenshub("explain", "1").output

    assert said.endswith("no plugin gets events (`lenshub plugins`)\n")
    assert "nothing" not in said


@pytest.mark.usefixtures("stored")
def test_explain_tells_of_amendments(lenshub):
    assert "Shown with 1 amendment: 2." in lenshub("explain", "1").output
    assert "It amends event 1, shown as it stood then." in lenshub("explain", "2").output
    found = json.loads(lenshub("explain", "1", "--json").output)
    assert (found["amendments"], found["event"]["attributes"]["sub_label"]) == ([2], "Rex")
