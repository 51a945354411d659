"""What is known of the broker's sessions, and the links that wait, outlive the hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.decode.message import Decoded, Message
from hub.store import recent as module
from hub.store import sessions
from hub.store.arrival import Arrival

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLACE = "hub at mqtt://here"
LINK = "https://s3.amazonaws.com/bucket/images/1.jpg"


@pytest.fixture
def plain(arrivals):
    """A function: a DeepLens message of a session, under an id; the same bytes each time."""

    def make(session, mid, *, duplicate=False, after_s=0, **decoded):
        at = NOW + timedelta(seconds=after_s)
        decoded = decoded or {"events": (arrivals.event(source="deeplens"),)}
        topic = "$aws/things/porch/infer"
        message = Message("mqtt", topic, repr(decoded).encode(), at, mid, session, duplicate)
        return Arrival(message, Decoded(device="porch", **decoded))

    return make


def count(store):
    return store.sql("SELECT COUNT(*) FROM events")[0][0]


def open_session(store, *, resumed=True, counts_up=True):
    return store.writer.open_session(PLACE, resumed=resumed, counts_up=counts_up)


async def test_session_keeps_its_name_when_the_broker_resumes_it(store):
    name = await open_session(store, resumed=False)
    await store.reopen()

    assert await open_session(store) == name
    assert await open_session(store, resumed=False) != name
    assert store.sql("SELECT COUNT(*) FROM sessions") == [(1,)]


async def test_session_that_the_store_never_heard_of_gets_a_name(store):
    assert len(await open_session(store)) == 16


async def test_session_of_another_place_is_another_one(store):
    assert await open_session(store) != await store.writer.open_session("elsewhere", resumed=True)


async def test_redelivery_is_stored_once_across_a_restart(store, plain, soon):
    name = await open_session(store)
    await soon(store.add(*(plain(name, mid) for mid in range(1, 6))))
    await store.reopen()
    name = await open_session(store)
    await soon(store.add(*(plain(name, mid, duplicate=True) for mid in range(3, 9))))

    assert count(store) == 8
    assert store.sql("SELECT COUNT(*) FROM events WHERE attributes LIKE '%maybe_repeat%'") == [(0,)]


async def test_redelivery_is_stored_and_marked_when_the_session_is_new(store, plain, soon):
    await soon(store.add(plain(await open_session(store), 1)))
    name = await open_session(store, resumed=False)
    await soon(store.add(plain(name, 2), plain(name, 1, duplicate=True)))

    assert store.sql("SELECT attributes FROM events ORDER BY id") == [
        ("{}",),
        ("{}",),
        ('{"maybe_repeat":true}',),
    ]


async def test_redelivery_is_stored_and_marked_while_ids_are_not_to_be_relied_upon(store, plain, soon):
    name = await open_session(store, counts_up=False)
    await soon(store.add(plain(name, 1), plain(name, 1, duplicate=True)))

    assert [event.attributes for event in await store.log.after(0, 9)] == [{}, {"maybe_repeat": True}]


async def test_redelivered_text_and_refused_message_are_kept_once(store, plain, arrivals, soon):
    name = await open_session(store)
    refused = {"error": arrivals.refused().decoded.error}
    await soon(store.add(plain(name, 1, **refused)))
    await store.reopen()
    name = await open_session(store)
    await soon(store.add(plain(name, 1, duplicate=True, **refused)))

    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(1,)]


async def test_proof_that_a_broker_counts_outlives_the_hub(store, plain, soon, monkeypatch):
    monkeypatch.setattr(module, "PROOF", 3)
    name = await open_session(store, counts_up=False)
    await soon(store.add(*(plain(name, mid) for mid in range(1, 5))))
    await store.reopen()
    name = await open_session(store, counts_up=False)
    await soon(store.add(plain(name, 4, duplicate=True)))

    assert count(store) == 4


async def test_messages_of_before_are_forgotten_when_ids_go_back(store, plain, soon):
    name = await open_session(store)
    await soon(store.add(*(plain(name, mid) for mid in range(1, 6))))
    await soon(store.add(plain(name, 2)))
    await store.reopen()
    name = await open_session(store)
    await soon(store.add(plain(name, 4, duplicate=True)))

    assert count(store) == 7


async def test_table_of_recent_messages_stays_small(store, plain, soon, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 20)
    monkeypatch.setattr(sessions, "WINDOW", 20)  # as imported there
    name = await open_session(store)
    for mid in range(1, 201):
        await soon(store.add(plain(name, mid)))

    assert store.sql("SELECT COUNT(*) FROM recent_messages")[0][0] <= 41
    assert len(store.writer._recents[name].entries) <= 40


async def test_numbered_records_write_nothing_to_the_table_of_recent_messages(store, arrivals, soon):
    name = await open_session(store)
    for seq in range(1, 6):
        record = arrivals.record(seq)
        topic = f"lenshub/v1/porch/events/0123456789abcdef/{seq}"
        await soon(store.add(Arrival(Message("mqtt", topic, b"{}", NOW, seq, name), record.decoded)))

    assert store.sql("SELECT COUNT(*) FROM recent_messages") == [(0,)]


async def test_link_that_waits_is_joined_after_a_restart(store, plain, soon):
    name = await open_session(store)
    await soon(store.add(plain(name, 1, image_link=LINK)))
    await store.reopen()
    await soon(store.add(plain(name, 2, after_s=59), plain(name, 3, after_s=59)))

    events = await store.log.after(0, 9)
    assert [event.attributes for event in events] == [{"link_to_img": LINK}, {}]
    assert store.sql("SELECT COUNT(*) FROM pending_image_links") == [(0,)]


async def test_link_whose_record_never_came_is_found_in_the_history(store, plain, soon):
    name = await open_session(store)
    await soon(store.add(plain(name, 1, image_link=LINK)))
    await soon(store.add(plain(name, 2, image_link=LINK + "?2")))

    assert store.sql("SELECT kind, text FROM device_history") == [("image_link", LINK)]
    assert store.sql("SELECT link FROM pending_image_links") == [(LINK + "?2",)]


async def test_link_that_comes_again_with_its_record_is_not_joined_to_the_next_one(store, plain, soon):
    name = await open_session(store)
    await soon(store.add(plain(name, 1, image_link=LINK), plain(name, 2)))
    await store.reopen()
    name = await open_session(store)
    await soon(
        store.add(
            plain(name, 1, image_link=LINK, duplicate=True), plain(name, 2, duplicate=True), plain(name, 3)
        )
    )

    events = await store.log.after(0, 9)
    assert [event.attributes for event in events] == [{"link_to_img": LINK}, {}]
