"""Held back by a real hub: a snooze from the command line, its digest after a kill, and what explain says."""

from __future__ import annotations

import pytest

PLUGIN = """
from datetime import datetime
from pydantic import BaseModel
from hub.plugin import hookimpl

class Plugin:
    class Settings(BaseModel):
        pass

    def __init__(self, settings, context):
        self.path = context.data_dir / "told"

    def say(self, text):
        with self.path.open("a") as told:
            told.write(text + "\\n")

    @hookimpl
    async def deliver(self, event):
        self.say(f"event {event.id}")

    @hookimpl
    async def digest(self, digest, delivery):
        async with delivery.once(f"digest/{digest.number}"):
            self.say(f"digest of {digest.count}")
            return "told"

    @hookimpl
    async def tick(self, now: datetime):
        self.path.with_name("ticked").touch()
"""
TABLES = """
[plugins.quiet]
use = "telling"
{more}
match = {{ labels = ["thumbs-*"] }}
[plugins.cooling]
use = "telling"
{more}
suppress = {{ cooldown_s = 3600, per = "label" }}
"""


@pytest.fixture(params=["", 'isolation = "process"'], ids=["in the hub", "in a process"])
def telling(hub, request):
    hub.install("telling", PLUGIN)
    hub.configure(TABLES.format(more=request.param))
    hub.start()
    return hub


def outcomes(hub, event):
    return {d["plugin"]: (d["outcome"], d["reason"]) for d in hub.json("explain", str(event))["deliveries"]}


def is_settled(hub, event):
    """Whether all deliveries up to an event are over; a cursor passes by those that take long."""
    passed = hub.sql("SELECT MIN(position) FROM cursors") == [(event,)]
    return passed and not hub.sql("SELECT 1 FROM deliveries WHERE outcome = 'running'")


def told(hub):
    return (hub.folder / "data" / "told").read_text().splitlines()


async def test_snooze_holds_back_until_it_is_ended_and_one_digest_tells_after_a_kill(
    telling, device, wait_until
):
    hub = telling
    hub.cli("snooze", "quiet", "--for", "2h")
    await wait_until(lambda: "snooze.begun quiet" in hub.log())
    async with device("porch") as sender:
        for _ in range(3):
            await sender.acked(sender.record())
        await wait_until(lambda: hub.sql("SELECT COUNT(*) FROM held WHERE plugin = 'quiet'") == [(3,)])
        await wait_until(lambda: is_settled(hub, 3))
    hub.kill()
    hub.start()
    assert outcomes(hub, 2)["quiet"][0] == "skipped"
    assert outcomes(hub, 2)["quiet"][1].endswith(
        "it comes in a digest; its digest waits for the quiet time to end"
    )
    hub.cli("snooze", "quiet", "--off")
    await wait_until(lambda: "digest of 3" in told(hub))

    assert told(hub) == ["event 1", "digest of 3"]  # event 1 went to `cooling`
    await wait_until(lambda: outcomes(hub, 2)["quiet"][1].endswith("digest 1: done (told)"))
    await wait_until((hub.folder / "data" / "ticked").exists)


async def test_cooldown_holds_over_a_kill_and_explain_names_it(telling, device, wait_until):
    hub = telling
    async with device("porch") as sender:
        await sender.acked(sender.record())
        await wait_until(lambda: is_settled(hub, 1))
    hub.kill()
    hub.start()
    async with device("attic") as sender:
        await sender.acked(sender.record())
        await sender.acked(sender.record())
        await wait_until(lambda: is_settled(hub, 3))

    assert [outcomes(hub, event)["cooling"][0] for event in (1, 2, 3)] == ["done", "done", "skipped"]
    assert outcomes(hub, 3)["cooling"][1].startswith("cooldown of thumbs-up on attic holds until ")
