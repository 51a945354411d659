"""`delivery.capture`: an event is captured once, in one commit with what it is measured by."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from hub.dispatch.delivery import EventDelivery, Position
from hub.event import Detection, Event
from hub.plugin import CaptureLimit, Skip
from hub.store.captures import list_reasons

HASH = bytes(range(32))


def near(bits: int) -> bytes:
    """Return a hash that differs from HASH in so many bits."""
    return (int.from_bytes(HASH) ^ (2**bits - 1)).to_bytes(32)


@pytest.fixture
def delivery(store, arrivals, clock):
    """A function that makes an attempt at delivering an event to a plugin."""

    def make(number=1, plugin="p", device="porch", amends=None, run_id=""):
        new = arrivals.event(device)
        event = Event.from_new(new, number, new.captured_at, amends)
        return EventDelivery(plugin, event, 1, store.writer, store.log, clock, run_id)

    return make


def rows(store):
    found = store.sql("SELECT plugin, event_id, device, label, reasons, score FROM captures ORDER BY id")
    return [(*row[:4], json.loads(row[4]), row[5]) for row in found]


async def test_capture_is_committed_when_it_returns(store, delivery):
    made = await delivery().capture(["mine", "random"], score=0.7, label="cup", likeness=HASH)
    assert rows(store) == [("p", 1, "porch", "cup", ["mine", "random"], 0.7)]
    assert await delivery().captured() == made
    assert await delivery(plugin="other").captured() is None


@pytest.mark.parametrize("label", ["thumbs\u00a0up", "می\u200cخواهم", "👨\u200d👩", "x" * 200])
async def test_capture_takes_every_label_that_an_event_may_have(store, delivery, label):
    await delivery().capture([label], label=Detection(label=label, confidence=1).label)
    assert rows(store) == [("p", 1, "porch", label, [label], 0.0)]


async def test_capturing_again_changes_nothing_and_asks_no_limit(store, delivery):
    limits = [CaptureLimit("most", 1, "day")]
    first = await delivery().capture(["mine"], score=0.7, likeness=HASH, limits=limits)
    again = await delivery(run_id="replay").capture(["other"], score=0.1, likeness=HASH, limits=limits)
    assert again == first
    assert len(rows(store)) == 1


async def test_amendment_is_captured_as_its_event(store, delivery):
    await delivery(7, amends=3).capture(["mine"])
    assert [row[1] for row in rows(store)] == [3]
    assert (await delivery(3).captured()).reasons == ("mine",)


@pytest.mark.parametrize(("bits", "refused"), [(0, True), (12, True), (13, False)])
async def test_capture_refuses_a_picture_that_is_nearly_another(delivery, bits, refused):
    await delivery(1).capture(["mine"], likeness=HASH)
    if not refused:
        await delivery(2).capture(["mine"], likeness=near(bits))
        return
    said = f"mine wanted it; its picture is nearly that of event 1 .{bits} of 256 bits differ"
    with pytest.raises(Skip, match=said):
        await delivery(2).capture(["mine"], likeness=near(bits))


async def test_capture_compares_within_its_instance_and_device(store, delivery):
    await delivery(1).capture(["mine"], likeness=HASH)
    await delivery(1, plugin="other").capture(["mine"], likeness=HASH)
    await delivery(2, device="door").capture(["mine"], likeness=HASH)
    await delivery(3).capture(["mine"])  # without a hash nothing is compared
    await delivery(4).capture(["mine"], likeness=HASH, near_among=0)
    assert len(rows(store)) == 5


async def test_limits_hold_however_many_are_captured_at_once(store, delivery):
    limits = [CaptureLimit("all", 5, "day"), CaptureLimit("each", 2, "hour", "device")]
    found = await asyncio.gather(
        *(
            delivery(number, device=f"cam{number % 4}").capture(["mine"], limits=limits)
            for number in range(1, 41)
        ),
        return_exceptions=True,
    )
    refused = {str(error) for error in found if isinstance(error, Skip)}
    assert len(rows(store)) == 5
    assert len([one for one in found if isinstance(one, Skip)]) == 35
    assert "mine wanted it; all is used up: 5 of 5 within the day" in refused


async def test_limits_forget_what_is_older_than_their_period(delivery, clock):
    limits = [CaptureLimit("a minute", 1, "minute")]
    await delivery(1).capture(["mine"], limits=limits)
    clock.now += timedelta(seconds=59.999)
    with pytest.raises(Skip, match="a minute is used up"):
        await delivery(2).capture(["mine"], limits=limits)
    clock.now += timedelta(seconds=0.001)
    await delivery(2).capture(["mine"], limits=limits)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"reasons": []}, "reasons: 1 to 16"),
        ({"reasons": [""]}, "reasons: 1 to 16"),
        ({"reasons": ["a\nb"]}, "reasons: 1 to 16"),
        ({"reasons": ["a"] * 17}, "reasons: 1 to 16"),
        ({"reasons": ["a"], "score": float("nan")}, "score: must be a finite number"),
        ({"reasons": ["a"], "label": ""}, "label: must be"),
        ({"reasons": ["a"], "label": "a\0"}, "label: must be"),
        ({"reasons": ["a"], "likeness": b"short"}, "likeness: 5 bytes"),
        ({"reasons": ["a"], "near_bits": 257}, "near_bits is 0 to 256"),
        ({"reasons": ["a"], "near_among": 10**9}, "near_among 0 to 1000"),
    ],
)
async def test_capture_refuses_wrong_arguments_and_writes_nothing(store, delivery, terms, said):
    with pytest.raises(ValueError, match=said):
        await delivery().capture(**terms)
    assert rows(store) == []


async def test_capture_belongs_to_an_event(store, clock):
    tick = EventDelivery("p", Position(5), 1, store.writer, store.log, clock)
    with pytest.raises(TypeError, match="there is no event here to capture"):
        await tick.capture(["mine"])


async def test_reasons_of_several_instances_are_told_once_each(store, delivery):
    await delivery(1).capture(["rare", "random"])
    await delivery(1, plugin="other").capture(["random", "mine"])
    reasons = await store.log.ask(lambda connection: list_reasons(connection, [1, 2]))
    assert reasons == {1: "rare, random, mine"}


QUERIES = {
    "limit of all": "SELECT 1 FROM captures WHERE plugin = ? AND chosen_at > ? LIMIT 5",
    "limit of a device": "SELECT 1 FROM captures WHERE plugin = ? AND chosen_at > ? AND device = ? LIMIT 5",
    "limit of a label": "SELECT 1 FROM captures WHERE plugin = ? AND chosen_at > ? AND label = ? LIMIT 5",
    "no label": "SELECT 1 FROM captures WHERE plugin = ? AND chosen_at > ? AND label IS NULL LIMIT 5",
    "last of a device": (
        "SELECT likeness FROM captures WHERE plugin = ? AND device = ? ORDER BY chosen_at DESC LIMIT 5"
    ),
    "rejections": "SELECT event_id FROM reviews WHERE verdict = ? AND made_at >= ? ORDER BY made_at DESC",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_captures_are_found_by_an_index_alone(store, query):
    told = query.replace("?", "'x'")
    plan = " ".join(row[-1] for row in store.sql(f"EXPLAIN QUERY PLAN {told}"))
    assert "USING" in plan and "INDEX" in plan and "SCAN" not in plan and "TEMP B-TREE" not in plan, plan  # noqa: PT018 - one fact
