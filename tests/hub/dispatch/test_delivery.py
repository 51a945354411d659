"""`delivery.once`: an effect is written down before it is done, and never done twice."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest

from hub.dispatch.delivery import EventDelivery
from hub.dispatch.frame import FrameOnDisk
from hub.event import Event, Frame
from hub.plugin import AlreadyDone, Limit, OutcomeUnknown, Reject, RetryLater, Skip


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


HOURLY = Limit("max_per_hour", "hour", count=2)
BUDGET = Limit("budget", "month", amount=0.3)


async def once(delivery, key, **terms):
    async with delivery().once(key, group="g", amount=0.1, **terms):
        pass


async def test_once_skips_what_would_be_too_many_within_the_hour(delivery, clock):
    for key in "12":
        await once(delivery, key, limits=[HOURLY])
    clock.advance(3599)
    with pytest.raises(Skip, match="max_per_hour is used up: 2 of 2 within the hour"):
        await once(delivery, "3", limits=[HOURLY])

    clock.advance(2)
    await once(delivery, "3", limits=[HOURLY])


async def test_once_skips_what_would_cost_too_much_within_the_month_also_after_a_restart(
    store, delivery, clock
):
    for key in "123":
        await once(delivery, key, limits=[BUDGET])
    await store.reopen()
    clock.advance(9 * 86_400)
    with pytest.raises(
        Skip, match=r"budget is used up: 0\.3 of 0\.3 spent within the month, and this costs 0\.1"
    ):
        await once(delivery, "4", limits=[BUDGET])

    clock.advance(86_400)  # the month is over
    await once(delivery, "4", limits=[BUDGET])


async def test_once_counts_what_was_left_unknown_but_not_what_was_given_back(delivery):
    one = Limit("one", "day", count=1)
    with pytest.raises(RetryLater):
        async with delivery().once("1", group="g"):
            raise RetryLater(1, "busy")
    with pytest.raises(ValueError, match="x"):
        async with delivery().once("2", group="g", limits=[one]):
            raise ValueError("x")

    with pytest.raises(Skip, match="one is used up: 1 of 1 within the day"):
        await once(delivery, "3", limits=[one])


async def test_once_keeps_a_limit_when_many_ask_at_once(delivery, soon):
    asked = [once(delivery, str(number), limits=[HOURLY]) for number in range(10)]
    found = await soon(asyncio.gather(*asked, return_exceptions=True))

    assert sum(isinstance(result, Skip) for result in found) == 8


async def test_once_is_not_begun_when_it_is_too_late_but_what_was_begun_stays_unknown(delivery, clock):
    by = clock()
    with pytest.raises(ValueError, match="x"):
        async with delivery().once("1", not_after=by):
            raise ValueError("x")
    clock.advance(1)

    with pytest.raises(Skip, match="too late: it could not be done by 2026-11-21 12:00:00 UTC"):
        await once(delivery, "2", not_after=by)
    with pytest.raises(OutcomeUnknown):
        await once(delivery, "1", not_after=by)


async def test_count_effects_numbers_events_and_gives_each_the_same_number_again(store, delivery, clock):
    def of(event_id):
        found = delivery()
        found._event = found._event.model_copy(update={"id": event_id})
        return found

    for event_id in (1, 2, 3):
        async with of(event_id).once(f"k/{event_id}", group="g"):
            pass
        clock.advance(1)

    assert [await of(event_id).count_effects("g") for event_id in (1, 2, 3, 4, 1)] == [0, 1, 2, 3, 0]
    assert await of(1).count_effects("other") == 0


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
