"""The writer commits before it tells, keeps order, isolates poison, and goes on after failures."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import contextmanager

import pytest
from sqlalchemy import insert, text

from hub.event import Detection, Frame, NewEvent
from hub.store import schema
from hub.store import writer as module
from hub.store.arrival import Burst
from hub.store.database import database_path

POISON = {
    "huge class id": {"detections": (Detection.model_construct(label="x", confidence=0.5, class_id=2**70),)},
    "lone surrogate": {"detections": (Detection.model_construct(label="\ud800", confidence=0.5),)},
    "NaN confidence": {"detections": (Detection.model_construct(label="x", confidence=float("nan")),)},
    "no source": {"source": None},
}


def poisonous(arrivals, seq, members):
    members = {"detections": (), "attributes": {}} | members
    for detection in members["detections"]:
        for name in ("box", "class_id", "track"):
            detection.__dict__.setdefault(name, None)
        detection.__dict__.setdefault("attributes", {})
    good = arrivals.event(key=f"edge:porch/{seq}")
    event = NewEvent.model_construct(**good.__dict__ | members)
    return arrivals.record(seq, event=event)


@contextmanager
def locked(store):
    """Hold the database's write lock, as another program would; waiting for it is given up at once."""
    connection = sqlite3.connect(database_path(store.data_dir), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


@pytest.fixture
async def impatient_store(store, monkeypatch):
    """A store whose writer notices a lock at once and tries again quickly."""
    await store.writer.change(lambda c: c.execute(text("PRAGMA busy_timeout=0")))
    monkeypatch.setattr(module, "RETRY_S", (0.01,))
    return store


async def test_writer_commits_before_it_tells(store, arrivals, soon):
    seen = asyncio.get_running_loop().create_future()
    store.writer.add(
        Burst((arrivals.record(1),), lambda _: seen.set_result(store.sql("SELECT COUNT(*) FROM events")))
    )

    assert await soon(seen) == [(1,)]


async def test_writer_commits_waiting_bursts_together_and_tells_in_order(store, arrivals, soon):
    told, seen = [], []
    for number in range(1, 21):

        def note(receipt, number=number):
            told.append(number)
            seen.append((receipt.acks[0][1].seq, store.sql("SELECT COUNT(*) FROM events")[0][0]))

        store.writer.add(Burst((arrivals.record(number),), note))
    await soon(store.add(arrivals.record(21)))

    assert told == list(range(1, 21))
    assert seen == [(number, 21) for number in range(1, 21)]


async def test_writer_returns_the_acks_due_in_a_burst(store, arrivals, soon):
    receipt = await soon(
        store.add(
            arrivals.hello("n1"), arrivals.record(1), arrivals.plain(), arrivals.record(1, device="attic")
        )
    )

    assert [(device, ack.seq, ack.hello) for device, ack in receipt.acks] == [
        ("porch", 0, "n1"),
        ("porch", 1, None),
        ("attic", 1, None),
    ]


async def test_writer_takes_an_empty_burst(store, soon):
    assert (await soon(store.add())).acks == ()


async def test_writer_keeps_bytes_ids_and_detections(store, arrivals, soon):
    await soon(
        store.add(arrivals.plain(arrivals.event(label="a"), arrivals.event(label="b"), payload=b"raw\x00"))
    )

    assert store.sql("SELECT id, message_id FROM events") == [(1, 1), (2, 1)]
    assert store.sql("SELECT event_id, label FROM detections") == [(1, "a"), (2, "b")]
    assert store.sql("SELECT payload FROM messages") == [(b"raw\x00",)]


async def test_writer_keeps_a_picture_as_a_file_and_its_message_without(store, arrivals, jpeg, soon):
    frame = Frame(digest=hashlib.sha256(jpeg).hexdigest(), width=64, height=48, media_type="image/jpeg")
    event = arrivals.event(frame=frame)
    await soon(store.add(arrivals.record(1, event=event, picture=jpeg, payload=b"{}\n" + jpeg)))

    assert store.frames.path("porch", frame).read_bytes() == jpeg
    assert store.sql("SELECT payload FROM messages") == [(b"{}",)]


@pytest.mark.parametrize("name", POISON)
async def test_writer_quarantines_poison_and_stores_what_is_around_it(store, arrivals, name, soon):
    burst = [arrivals.record(seq) for seq in range(1, 202)]
    burst[100] = poisonous(arrivals, 101, POISON[name])
    receipt = await soon(store.add(*burst))
    await soon(store.add(arrivals.record(202)))

    assert store.sql("SELECT COUNT(*) FROM events") == [(201,)]
    assert store.sql("SELECT code, device FROM quarantine") == [("refused_by_database", "porch")]
    assert receipt.acks[-1][1].seq == 201
    assert store.sql("SELECT committed FROM epochs") == [(202,)]


async def test_writer_quarantines_several_poisonous_messages_of_one_batch(store, arrivals, soon):
    burst = [arrivals.record(seq) for seq in range(1, 51)]
    for seq in (1, 2, 25, 50):
        burst[seq - 1] = poisonous(arrivals, seq, POISON["huge class id"])
    await soon(store.add(*burst))

    assert store.sql("SELECT COUNT(*), MIN(id), MAX(id) FROM events") == [(46, 1, 46)]
    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(4,)]


async def test_writer_keeps_a_burst_until_the_database_is_free_again(
    impatient_store, arrivals, soon, caplog, wait_until
):
    with locked(impatient_store):
        receipt = impatient_store.add(arrivals.record(1))
        await wait_until(lambda: "store.failing" in caplog.text)
        assert not receipt.done()
    await soon(receipt)

    assert impatient_store.sql("SELECT COUNT(*) FROM events") == [(1,)]
    assert [r.message.split()[0] for r in caplog.records] == ["store.failing:", "store.recovered"]


async def test_writer_tells_poison_from_a_lock_that_comes_with_it(
    impatient_store, arrivals, soon, caplog, wait_until
):
    with locked(impatient_store):
        receipt = impatient_store.add(arrivals.record(1), poisonous(arrivals, 2, POISON["huge class id"]))
        await wait_until(lambda: "store.failing" in caplog.text)
        assert not receipt.done()
    await soon(receipt)

    assert impatient_store.sql("SELECT COUNT(*) FROM events") == [(1,)]


async def test_writer_keeps_a_burst_until_frames_can_be_written(
    impatient_store, arrivals, jpeg, soon, caplog, wait_until
):
    frame = Frame(digest=hashlib.sha256(jpeg).hexdigest(), width=64, height=48, media_type="image/jpeg")
    impatient_store.frames.root.write_text("a file stands in its place")
    receipt = impatient_store.add(arrivals.record(1, event=arrivals.event(frame=frame), picture=jpeg))
    await wait_until(lambda: "store.failing" in caplog.text)
    assert not receipt.done()
    assert impatient_store.sql("SELECT COUNT(*) FROM events") == [(0,)]

    impatient_store.frames.root.unlink()
    await soon(receipt)
    assert impatient_store.sql("SELECT frame_digest FROM events") == [(frame.digest,)]


async def test_writer_keeps_a_burst_until_the_disk_has_room_again(
    impatient_store, arrivals, soon, caplog, wait_until
):
    def limit(pages):
        return lambda c: c.execute(text(f"PRAGMA max_page_count={pages}"))

    await soon(impatient_store.writer.change(limit(1)))  # no more than there are already
    receipt = impatient_store.add(*(arrivals.record(seq, payload=b"x" * 9000) for seq in range(1, 50)))
    await wait_until(lambda: "store.failing" in caplog.text)
    assert not receipt.done()
    assert "database or disk is full; messages stay unacknowledged" in caplog.text

    await impatient_store.writer._thread.transact(limit(1_000_000))
    await soon(receipt)
    assert impatient_store.sql("SELECT COUNT(*) FROM events") == [(49,)]


async def test_writer_has_room_only_up_to_its_backlog(impatient_store, arrivals, monkeypatch, soon):
    monkeypatch.setattr(module, "BACKLOG_ARRIVALS", 10)
    with locked(impatient_store):
        taken = impatient_store.add(arrivals.record(1))
        await asyncio.sleep(0)
        last = impatient_store.add(*(arrivals.record(seq) for seq in range(2, 14)))
        assert not impatient_store.writer.has_room()
        room = asyncio.create_task(impatient_store.writer.room())
        await asyncio.sleep(0)
        assert not room.done()
    await soon(room)
    await soon(asyncio.gather(taken, last))

    assert impatient_store.writer.has_room()


async def test_writer_counts_bytes_too(store, arrivals, monkeypatch, soon):
    monkeypatch.setattr(module, "BACKLOG_BYTES", 10_000)
    receipt = store.add(arrivals.record(1, payload=b"x" * 20_000))

    assert not store.writer.has_room()
    await soon(receipt)
    assert store.writer.has_room()


async def test_writer_returns_what_a_change_returns_once_it_is_committed(store, soon):
    def change(connection):
        connection.execute(insert(schema.plugin_states), [_state("a")])
        return "made"

    assert await soon(store.writer.change(change)) == "made"
    assert store.sql("SELECT plugin FROM plugin_states") == [("a",)]


def _state(name):
    return {"plugin": name, "state": "running", "reason": "", "since": schema.datetime.now(schema.UTC)}


async def test_writer_raises_what_a_change_raises_and_stores_the_events_with_it(store, arrivals, soon):
    def fail(connection):
        connection.execute(insert(schema.plugin_states), [_state("b")])
        raise ValueError("my mistake")

    receipt = store.add(arrivals.record(1))
    with pytest.raises(ValueError, match="my mistake"):
        await soon(store.writer.change(fail))
    await soon(receipt)

    assert store.sql("SELECT COUNT(*) FROM events") == [(1,)]
    assert store.sql("SELECT COUNT(*) FROM plugin_states") == [(0,)]


async def test_writer_lets_no_change_fail_for_another_one(store, soon):
    def fail(_):
        raise KeyError("my mistake")

    def work(connection):
        connection.execute(insert(schema.plugin_states), [_state("good")])

    failed, *good = await soon(
        asyncio.gather(store.writer.change(fail), store.writer.change(work), return_exceptions=True)
    )

    assert isinstance(failed, KeyError)
    assert good == [None]
    assert store.sql("SELECT plugin FROM plugin_states") == [("good",)]


async def test_writer_goes_on_counting_ids_after_reopening_even_when_rows_are_gone(store, arrivals, soon):
    await soon(store.add(*(arrivals.record(seq) for seq in range(1, 4))))
    for table in ("detections", "events", "messages"):
        store.sql(f"DELETE FROM {table}")  # noqa: S608 - three names
    await store.reopen()
    await soon(store.add(arrivals.record(4)))

    assert store.sql("SELECT id, message_id FROM events") == [(4, 4)]


async def test_writer_goes_on_with_lines_and_skews_after_reopening(store, arrivals, soon):
    wrong = arrivals.hello(now=schema.datetime(1970, 1, 1, tzinfo=schema.UTC))
    await soon(store.add(wrong, arrivals.record(1), arrivals.record(1)))
    await store.reopen()
    receipt = await soon(store.add(arrivals.record(1), arrivals.record(2)))

    assert [ack.seq for _, ack in receipt.acks] == [1, 2]
    assert store.sql("SELECT committed, stale FROM epochs") == [(2, 2)]
    assert len(set(store.sql("SELECT captured_at FROM events"))) == 1


async def test_writer_commits_what_was_added_before_it_was_closed(store, arrivals):
    receipt = store.add(*(arrivals.record(seq) for seq in range(1, 1201)))
    await store.reopen()

    assert receipt.done()
    assert store.sql("SELECT COUNT(*) FROM events") == [(1200,)]


async def test_writer_leaves_out_a_change_whose_asker_was_cancelled_while_it_waited(store, wait_until, soon):
    lock = sqlite3.connect(database_path(store.data_dir), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    made = []

    def work(connection):
        made.append(connection)

    def block(connection):
        connection.execute(insert(schema.plugin_states), [_state("held")])

    holding = asyncio.create_task(store.writer.change(block))
    await asyncio.sleep(0)
    asker = asyncio.create_task(store.writer.change(work))
    await asyncio.sleep(0)
    asker.cancel()
    lock.rollback()
    lock.close()
    await soon(holding)
    await soon(store.writer.change(block_nothing))
    assert made == []


def block_nothing(_):
    return None
