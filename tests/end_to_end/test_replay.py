"""Replays on a real hub: beside the live run, what was not delivered before, once, also over a kill."""

from __future__ import annotations

import pytest

PLUGIN = """
from pathlib import Path
from pydantic import BaseModel
from hub.plugin import hookimpl, Reject

class Plugin:
    class Settings(BaseModel):
        path: Path

    def __init__(self, settings, context):
        self.path = settings.path

    @hookimpl
    async def deliver(self, event, delivery):
        if (self.path.parent / "down").exists():
            raise Reject("down")
        async with delivery.once(f"post/{event.id}"):
            with self.path.open("a") as file:
                file.write(f"{event.id}\\n")
"""


@pytest.fixture
def replaying(hub, device, wait_until):
    """A function: a hub with events 1 to 10, of which plugin p was delivered the first six."""

    async def prepare(more=""):
        hub.install("post", PLUGIN)
        hub.configure(f'[plugins.p]\nuse = "post"\npath = "{hub.folder / "p"}"\n{more}\n')
        hub.start()
        async with device("porch") as sender:
            for _ in range(6):
                sender.record()
            await sender.acked(6)
            await wait_until(lambda: len(receipts(hub)) == 6)
            (hub.folder / "down").touch()
            for _ in range(4):
                sender.record()
            await sender.acked(10)
        await wait_until(lambda: hub.sql("SELECT position FROM cursors") == [(10,)])
        dead = "SELECT COUNT(*) FROM deliveries WHERE outcome = 'dead'"  # a cursor passes by what takes long
        await wait_until(lambda: hub.sql(dead) == [(4,)])
        await wait_until(lambda: not hub.sql("SELECT 1 FROM deliveries WHERE outcome = 'running'"))
        (hub.folder / "down").unlink()
        return hub

    return prepare


def receipts(hub):
    path = hub.folder / "p"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize("more", ["", 'isolation = "process"'])
async def test_replay_delivers_what_was_not_delivered_before(replaying, wait_until, more):
    hub = await replaying(more)
    foretold = hub.json("replay", "p", "--from", "3", "--dry-run")
    assert receipts(hub) == [1, 2, 3, 4, 5, 6]
    said = hub.cli("replay", "p", "--from", "3", "--rate", "100")
    await wait_until(lambda: hub.json("replays")[0]["end"] == "finished")

    assert foretold == {
        "delivered": [7, 8, 9, 10],
        "had before": [3, 4, 5, 6],
        "not wanted": [],
        "too old": [],
    }
    assert "replay 1 of p: events 3 to 10, at most 100 a second" in said
    assert sorted(receipts(hub)) == list(range(1, 11))
    (done,) = hub.json("replays")
    assert (done["had_before"], done["outcomes"]) == (4, {"done": 4})
    by_row = "SELECT COUNT(*) FROM deliveries WHERE run_id = '' AND outcome = 'done'"  # what took long
    live = f"SELECT position, done + ({by_row}) FROM cursors WHERE run_id = ''"  # noqa: S608 - of ours
    assert hub.sql(live) == [(10, 6)]
    told = hub.json("explain", "8")["deliveries"]
    assert [(d["plugin"], d["run"], d["outcome"]) for d in told] == [("p", "", "dead"), ("p", "1", "done")]


async def test_replay_of_everything_again_honours_the_ledger(replaying, wait_until):
    hub = await replaying()
    hub.cli("replay", "p", "--since", "2020-01-01", "--again", "--rate", "100")
    await wait_until(lambda: hub.json("replays")[0]["end"] == "finished")

    assert receipts(hub) == list(range(1, 11))
    assert hub.json("replays")[0]["outcomes"] == {"done": 10}
    notes = hub.sql("SELECT note FROM deliveries WHERE run_id = '1' AND event_id = 1")
    assert notes[0][0].startswith("post/1 was already done at")


@pytest.mark.parametrize("more", ["", 'isolation = "process"'])
async def test_replay_goes_on_after_a_kill_and_delivers_nothing_twice(replaying, wait_until, more):
    hub = await replaying(more)
    hub.cli("replay", "p", "--from", "1", "--rate", "2")
    await wait_until(lambda: len(receipts(hub)) > 6)
    hub.kill()
    hub.start()
    await wait_until(lambda: hub.json("replays")[0]["end"] == "finished")

    assert receipts(hub) == list(range(1, 11))


async def test_replay_is_stopped_and_leaves_nothing_open(replaying, wait_until):
    hub = await replaying()
    hub.cli("replay", "p", "--from", "1", "--rate", "0.01")
    await wait_until(lambda: len(receipts(hub)) == 7)
    assert "replay 1 of p is stopped" in hub.cli("replays", "--stop", "1")
    assert "had ended already" in hub.cli("replays", "--stop", "1")
    assert "there is no replay 9" in hub.cli("replays", "--stop", "9", code=1)

    assert receipts(hub) == [1, 2, 3, 4, 5, 6, 7]
    assert hub.sql("SELECT DISTINCT outcome FROM deliveries WHERE run_id = '1'") == [("done",)]


async def test_replay_keeps_to_the_age_limit_unless_told_otherwise(replaying, wait_until):
    hub = await replaying("max_age_s = 3600")
    hub.stop()
    hub.configure(f'[plugins.p]\nuse = "post"\npath = "{hub.folder / "p"}"\nmax_age_s = 0.001\n')
    hub.start()
    assert len(hub.json("replay", "p", "--from", "1", "--dry-run")["too old"]) == 4
    hub.cli("replay", "p", "--from", "1", "--rate", "100")
    await wait_until(lambda: hub.json("replays")[0]["end"] == "finished")
    assert hub.json("replays")[0]["outcomes"] == {"skipped": 4}
    hub.cli("replay", "p", "--from", "1", "--any-age", "--rate", "100")
    await wait_until(lambda: hub.json("replays")[0]["end"] == "finished")

    assert receipts(hub) == list(range(1, 11))


async def test_replay_says_what_it_cannot_do(replaying):
    hub = await replaying()

    assert "nothing to replay from event 11 on" in hub.cli("replay", "p", "--from", "11", code=1)
    assert "there is no plugin instance 'q'" in hub.cli("replay", "q", "--from", "1", code=1)
    assert "one of them" in hub.cli("replay", "p", code=1)
    assert "no event was captured at 2100" in hub.cli("replay", "p", "--since", "2100-01-01", code=1)
