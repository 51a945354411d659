"""`lenshub explain` says what came of an event for each plugin, in words and as JSON."""

from __future__ import annotations

import pytest

PLUGIN = """
from pydantic import BaseModel
from hub.plugin import hookimpl, Reject, RetryLater, Skip

class Plugin:
    class Settings(BaseModel):
        way: str

    def __init__(self, settings, context):
        self.way = settings.way

    @hookimpl
    async def deliver(self, event, delivery):
        match self.way:
            case "note":
                return f"s3://bucket/{event.id}"
            case "cooldown":
                async with delivery.once(f"alert/{event.id}", group="alert", cooldown_s=3600):
                    return "alerted"
            case "retry":
                raise RetryLater(600, "rate limit of the other side")
            case "reject":
                raise Reject("the bucket does not exist")
            case "skip":
                raise Skip("quiet hours")
            case "unknown":
                async with delivery.once("tweet"):
                    raise ConnectionResetError("gone")
"""
TABLES = """
[plugins.plain]
use = "ways"
way = "nothing"
[plugins.other-label]
use = "ways"
way = "nothing"
match = { labels = ["dog"] }
""" + "".join(
    f'[plugins.{way}]\nuse = "ways"\nway = "{way}"\n'
    for way in ("note", "cooldown", "retry", "reject", "skip", "unknown")
)


@pytest.fixture
async def explained(hub, device, wait_until):
    """A hub on which two events went to each plugin."""
    hub.install("ways", PLUGIN)
    hub.configure(TABLES)
    hub.start()
    async with device("porch") as sender:
        for number in (1, 2):
            await sender.acked(sender.record())
            await wait_until(
                lambda n=number: hub.sql("SELECT COUNT(*) FROM cursors WHERE position = ?", n) == [(8,)]
            )
    # A cursor passes by what takes longer than a second.
    await wait_until(lambda: not hub.sql("SELECT 1 FROM deliveries WHERE outcome = 'running'"))
    return hub


async def test_explain_tells_every_outcome_as_json(explained):
    first, second = (
        {d["plugin"]: d for d in explained.json("explain", str(event))["deliveries"]} for event in (1, 2)
    )

    assert {plugin: (d["outcome"], d["note"] or d["reason"]) for plugin, d in first.items()} == {
        "plain": ("done", ""),
        "other-label": ("skipped", "filter: no detection is labelled dog"),
        "note": ("done", "s3://bucket/1"),
        "cooldown": ("done", "alerted"),
        "retry": ("retrying", "rate limit of the other side"),
        "reject": ("dead", "the bucket does not exist"),
        "skip": ("skipped", "quiet hours"),
        "unknown": ("unknown", "ConnectionResetError: gone; whether the effect took place is not known"),
    }
    assert second["cooldown"]["outcome"] == "skipped"
    assert second["cooldown"]["reason"].startswith("cooldown of alert holds until 20")
    assert second["unknown"]["reason"].startswith("tweet was begun at 20")
    assert (first["retry"]["attempt"], first["retry"]["due_at"] is None) == (1, False)


async def test_explain_tells_every_outcome_in_words(explained):
    said = explained.cli("explain", "2")

    assert "Event 2: porch saw thumbs-up 93.00%" in said
    for part in (
        "filter: no detection is labelled dog",
        "s3://bucket/2",
        "cooldown of alert holds until",
        "rate limit of the other side; attempt 1 failed, next at",
    ):
        assert part in said
    assert "there is no event 99" in explained.cli("explain", "99", code=1)


async def test_listings_show_the_same_store(explained):
    counts = {p["plugin"]: p["outcomes"] for p in explained.json("plugins")}
    assert counts["note"] == {"done": 2, "filtered": 0}
    assert counts["other-label"] == {"done": 0, "filtered": 2}
    assert counts["retry"] == {"done": 0, "filtered": 0, "retrying": 2}

    dead = explained.json("deliveries", "--outcome", "dead")
    assert [(d["plugin"], d["event_id"]) for d in dead] == [("reject", 2), ("reject", 1)]
    assert "the bucket does not exist" in explained.cli("deliveries", "--plugin", "reject")
    assert [e["id"] for e in explained.json("events", "--label", "thumbs-up")] == [2, 1]
    assert explained.json("events", "--device", "attic") == []
    assert "thumbs-up 93.00%" in explained.cli("events")
    assert explained.json("device", "list")[0]["events"] == 2
    assert "porch" in explained.cli("device", "list")
    assert explained.json("db", "current")["current"] == explained.json("db", "current")["newest"]
    assert "another hub" in explained.cli("db", "upgrade", code=1)
