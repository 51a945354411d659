"""`lenshub snooze` writes into the store until when a plugin wants nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from hub.cli.snooze import parse_duration


@pytest.fixture
def place(folder, data):
    """A folder with a store and a plugin to snooze."""
    (folder / "hub.toml").write_text('[plugins.alerts]\nuse = "threshold-alerts"\n')
    return folder


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("2d", 172_800)]
)
def test_duration_is_read_as_people_write_it(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.usefixtures("place")
def test_snooze_lasts_for_as_long_as_was_said_and_is_listed(lenshub):
    before = datetime.now(UTC)
    said = lenshub("snooze", "alerts", "--for", "2h")
    found = json.loads(lenshub("snooze", "--json").output)

    assert said.exit_code == 0
    assert "held back, not delayed" in said.output
    assert (
        timedelta(0)
        <= datetime.fromisoformat(found["alerts"]) - before - timedelta(hours=2)
        < timedelta(minutes=5)
    )
    assert "snoozed until" in lenshub("plugins").output


@pytest.mark.usefixtures("place")
def test_snooze_is_replaced_and_ended(lenshub):
    lenshub("snooze", "alerts", "--for", "2h")
    until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    found = json.loads(lenshub("snooze", "alerts", "--until", f"{until:%Y-%m-%dT%H:%M:%S}", "--json").output)

    assert found == {"alerts": until.isoformat()}
    assert json.loads(lenshub("snooze", "alerts", "--off", "--json").output) == {}


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("alerts", "--for", "soon"), "--for: must be a time such as 90s"),
        (("alerts", "--for", "0s"), "--for: must be a time such as 90s"),
        (("alerts", "--for", "900000d"), "--for: must be a time such as 90s"),
        (("alerts", "--until", "2020-01-01"), "--until: must be in the coming year"),
        (("alerts",), "one of --for, --until and --off"),
        (("alerts", "--off", "--for", "2h"), "one of --for, --until and --off"),
        (("tweets", "--for", "2h"), "there is no plugin 'tweets' in hub.toml (known: alerts)"),
        (("--for", "2h"), "name the plugin to snooze"),
    ],
)
def test_snooze_says_what_is_wrong(lenshub, arguments, problem):
    done = lenshub("snooze", *arguments)

    assert done.exit_code == 2
    assert problem in done.output
