"""`lenshub status`: one screen, JSON, and what its exit code says."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of a machine that tests may be full."""
    monkeypatch.setattr("hub.status.LITTLE_DISK", 0)


def test_status_shows_one_screen_and_what_is_wrong(lenshub: Any, data: Any, arrivals: Any) -> None:
    done = lenshub("status")

    assert done.exit_code == 3
    assert "1 problem\n  no hub is running: `lenshub run`" in done.output
    assert "no event yet" in done.output


async def test_status_shows_devices_and_what_was_refused(
    lenshub: Any, data: Any, arrivals: Any, soon: Any
) -> None:
    await soon(data.add(arrivals.plain(arrivals.event("porch", source="deeplens")), arrivals.refused()))
    said = lenshub("status").output

    assert "newest event 1 of porch" in said
    assert "refused 1 not_json" in said


def test_status_as_json_has_the_same(lenshub: Any, data: Any) -> None:
    done = lenshub("status", "--json")
    found = json.loads(done.output)

    assert (done.exit_code, found["running"], found["devices"]) == (3, False, [])
    assert found["problems"] == ["no hub is running: `lenshub run`"]


def test_status_without_a_store_is_one_clear_line(lenshub: Any, folder: Any) -> None:
    done = lenshub("status")

    assert (done.exit_code, "there is no store yet" in done.output) == (1, True)
