"""The log gives back events as they were stored, after a position, by id, filtered and counted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hub.event import Box, Detection, DroppedFrame, Frame, Model
from hub.store.log import EventFilter

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def filled(store, arrivals, soon):
    """Events 1 to 4: porch thumbs-up 0.9, porch dog 0.5, attic thumbs-up 0.4 later, one of nothing."""
    later = NOW + timedelta(minutes=1)
    events = [
        arrivals.event(),
        arrivals.event(label="dog", confidence=0.5, source="deeplens"),
        arrivals.event("attic", confidence=0.4, captured_at=later),
        arrivals.event(detections=()),
    ]
    await soon(store.add(*(arrivals.plain(event) for event in events)))
    return store


@pytest.mark.parametrize(
    "frame",
    [None, DroppedFrame(dropped="quota"), Frame(digest="0" * 64, width=1, height=2, media_type="image/png")],
)
async def test_log_gives_back_what_was_stored(store, arrivals, soon, frame):
    full = Detection(
        label="あ", confidence=0.25, box=Box(left=-0.1, top=0, width=2, height=0.5), class_id=3, track="t",
        attributes={"age": [20, 30]},
    )  # fmt: skip
    new = arrivals.event(
        key="k",
        model=Model(name="m", version="1"),
        frame=frame,
        detections=(full, full),
        attributes={"a": None},
    )
    await soon(store.add(arrivals.plain(new)))
    (stored,) = await store.log.by_ids([1])

    assert stored == store.writer.tail.after(0, 1)[0]
    assert stored.model_dump(exclude={"id", "received_at", "amends"}) == new.model_dump()


async def test_log_reads_on_after_a_position(filled):
    assert [event.id for event in await filled.log.after(1, 2)] == [2, 3]
    assert await filled.log.after(4, 2) == []


async def test_log_returns_only_events_that_exist(filled):
    assert [event.id for event in await filled.log.by_ids([4, 99, 2])] == [2, 4]
    assert await filled.log.by_ids([]) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"device": "attic"}, [3]),
        ({"source": "deeplens"}, [2]),
        ({"label": "thumbs-up"}, [3, 1]),
        ({"min_confidence": 0.5}, [2, 1]),
        ({"label": "thumbs-up", "min_confidence": 0.5}, [1]),
        ({"since": NOW + timedelta(seconds=1)}, [3]),
        ({"label": "dog", "device": "attic"}, []),
    ],
)
async def test_log_filters_and_counts(filled, wanted, found):
    listed = await filled.log.newest(EventFilter(**wanted), 10)

    assert [event.id for event in listed] == found
    assert await filled.log.count(EventFilter(**wanted), up_to=10) == len(found)


async def test_log_asks_label_and_confidence_of_the_same_detection(store, arrivals, soon):
    both = (Detection(label="dog", confidence=0.9), Detection(label="cat", confidence=0.1))
    await soon(store.add(arrivals.plain(arrivals.event(detections=both))))

    assert await store.log.newest(EventFilter(label="cat", min_confidence=0.5), 10) == []


async def test_log_counts_up_to_an_event_and_knows_the_newest(filled):
    assert await filled.log.count(EventFilter(), up_to=2) == 2
    assert await filled.log.newest_id() == 4


async def test_log_is_read_while_a_write_is_under_way(filled):
    loop = asyncio.get_running_loop()

    def read_meanwhile(connection):
        connection.exec_driver_sql("UPDATE events SET kind = 'x'")
        return asyncio.run_coroutine_threadsafe(filled.log.newest_id(), loop).result(timeout=30)

    assert await filled.writer.change(read_meanwhile) == 4
