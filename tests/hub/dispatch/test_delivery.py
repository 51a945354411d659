"""`delivery.once`: an effect is written down before it is done, and never done twice."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest

from hub.dispatch.delivery import EventDelivery
from hub.dispatch.frame import FrameOnDisk
from hub.event import Event, Frame
from hub.plugin import AlreadyDone, OutcomeUnknown, Reject, RetryLater, Skip


@pytest.fixture
def delivery(store, arrivals, clock):
    """A function that makes an attempt at delivering event 1 to a plugin."""

    def make(plugin="p", attempt=1):
        new = arrivals.event()
        event = Event.from_new(new, 1, new.captured_at)
        return EventDelivery(plugin, event, attempt, store.writer, store.log, clock)

    return make


def ledger(store):
    return store.sql('SELECT plugin, key, "group", amount, state FROM effects ORDER BY began_at')


async def test_once_commits_its_row_before_the_block_runs(store, delivery):
    async with delivery().once("tweet", group="g", amount=0.5):
        assert ledger(store) == [("p", "tweet", "g", 0.5, "begun")]

    assert ledger(store) == [("p", "tweet", "g", 0.5, "done")]


async def test_once_is_not_entered_again_after_it_was_done(delivery):
    async with delivery().once("tweet"):
        pass

    with pytest.raises(AlreadyDone, match="tweet was already done at 2026-11-21 12:00:00 UTC"):
        async with delivery(attempt=2).once("tweet"):
            pytest.fail("entered")


@pytest.mark.parametrize("error", [ValueError, TimeoutError, asyncio.CancelledError, SystemExit, Skip])
async def test_once_leaves_unknown_what_ended_by_any_other_exception(store, delivery, error):
    first = delivery()
    with pytest.raises(error):
        async with first.once("tweet"):
            raise error("x")

    assert first.left_unknown
    assert ledger(store)[0][-1] == "begun"
    with pytest.raises(OutcomeUnknown, match="tweet was begun at"):
        async with delivery(attempt=2).once("tweet"):
            pytest.fail("entered")


@pytest.mark.parametrize("signal", [RetryLater(1, "busy"), Reject("no")])
async def test_once_gives_back_what_certainly_was_not_done(store, delivery, signal):
    first = delivery()
    with pytest.raises(type(signal)):
        async with first.once("tweet"):
            raise signal

    assert ledger(store) == []
    assert not first.left_unknown
    async with delivery(attempt=2).once("tweet"):
        pass


async def test_once_keeps_plugins_and_keys_apart(store, delivery):
    for plugin, key in (("p", "a"), ("p", "b"), ("q", "a")):
        async with delivery(plugin).once(key):
            pass

    assert len(ledger(store)) == 3


async def test_once_skips_while_the_cooldown_of_its_group_holds(delivery, clock):
    async with delivery().once("1", group="g", cooldown_s=60):
        pass
    clock.advance(59)

    with pytest.raises(Skip, match="cooldown of g holds until 2026-11-21 12:01:00 UTC"):
        async with delivery().once("2", group="g", cooldown_s=60):
            pytest.fail("entered")
    async with delivery().once("3", group="other", cooldown_s=60):
        pass


async def test_once_is_entered_again_when_the_cooldown_is_over_also_after_a_restart(store, delivery, clock):
    async with delivery().once("1", group="g", cooldown_s=60):
        pass
    await store.reopen()
    clock.advance(30)
    with pytest.raises(Skip):
        async with delivery().once("2", group="g", cooldown_s=60):
            pytest.fail("entered")

    clock.advance(31)
    async with delivery().once("2", group="g", cooldown_s=60):
        pass


async def test_once_cools_down_after_an_effect_left_unknown_but_not_after_one_given_back(delivery):
    with pytest.raises(RetryLater):
        async with delivery().once("1", group="g", cooldown_s=60):
            raise RetryLater(1, "busy")
    with pytest.raises(ValueError, match="x"):
        async with delivery().once("2", group="g", cooldown_s=60):
            raise ValueError("x")

    with pytest.raises(Skip):
        async with delivery().once("3", group="g", cooldown_s=60):
            pytest.fail("entered")


async def test_once_raises_to_its_own_plugin_when_a_key_cannot_be_stored(delivery, soon):
    async def enter(key):
        async with delivery().once(key):
            return "entered"

    bad, good = await soon(asyncio.gather(enter("\ud800"), enter("fine"), return_exceptions=True))

    assert isinstance(bad, UnicodeEncodeError)
    assert good == "entered"


async def test_count_events_counts_up_to_the_delivered_one(store, arrivals, clock, soon):
    await soon(store.add(*(arrivals.plain() for _ in range(5))))
    event = (await store.log.by_ids([3]))[0]
    third = EventDelivery("p", event, 1, store.writer, store.log, clock)

    assert await third.count_events(since=event.captured_at, label="thumbs-up", device="porch") == 3
    assert await third.count_events(since=event.captured_at + timedelta(seconds=1)) == 0
    assert await third.count_events(since=event.captured_at, min_confidence=0.95) == 0


async def test_count_events_counts_only_a_cameras_own(store, arrivals, clock, soon):
    places = [{"camera": "door"}, {"camera": "yard"}, {}, {"camera": "door"}]
    await soon(store.add(*(arrivals.plain(arrivals.event(attributes=place)) for place in places)))
    event = (await store.log.by_ids([4]))[0]
    fourth = EventDelivery("p", event, 1, store.writer, store.log, clock)

    assert await fourth.count_events(since=event.captured_at, camera="door") == 2
    assert await fourth.count_events(since=event.captured_at, camera="attic") == 0


async def test_frame_on_disk_reads_the_bytes_and_rejects_when_they_are_gone(store, arrivals, jpeg):
    frame = Frame(digest=hashlib.sha256(jpeg).hexdigest(), width=64, height=48, media_type="image/jpeg")
    store.frames.add_all([("porch", frame, jpeg)])
    new = arrivals.event(frame=frame)
    found = FrameOnDisk.of(Event.from_new(new, 1, new.captured_at), store.frames)
    assert await found.read() == jpeg

    store.frames.path("porch", frame).unlink()
    with pytest.raises(Reject, match="is no longer in the frame store"):
        await found.read()


def test_frame_on_disk_is_none_without_a_picture(store, arrivals):
    new = arrivals.event()

    assert FrameOnDisk.of(Event.from_new(new, 1, new.captured_at), store.frames) is None
