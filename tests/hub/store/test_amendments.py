"""What is said of an event later amends it: rows of the log, folded into one view."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.decode.limits import Limits
from hub.decode.message import Message, Newest
from hub.decode.picture import describe_picture
from hub.event import BOX_PIXELS, Box, Detection
from hub.store.arrival import Arrival
from hub.store.log import EventFilter
from hub.store.restoration import restoring

KEY = "frigate:house:1"


@pytest.fixture
def said(arrivals):
    """An amendment of the event with a key; members given replace its own."""

    def make(key=KEY, about=None, picture=None, device="house", **members):
        values = {"kind": "amendment", "key": key, "source": "frigate", "attributes": {"camera": "porch"}}
        event = arrivals.event(device, **(values | members))
        return arrivals(payload=repr(members).encode(), events=(event,), about=about, picture=picture)

    return make


def dog(**members):
    return {"detections": (Detection(label="dog", **({"confidence": 0.9, "track": "1"} | members)),)}


def rows(store):
    return store.sql("SELECT id, kind, key, amends FROM events ORDER BY id")


async def view(store):
    (event,) = await store.log.newest(EventFilter(), 10)
    return event


async def test_first_amendment_of_a_key_begins_an_event(store, said, soon):
    await soon(store.add(said()))

    assert rows(store) == [(1, "event", KEY, None)]


@pytest.mark.parametrize("together", [True, False])
async def test_amendment_is_a_row_that_names_the_first(store, said, soon, together):
    arrivals = [said(), said(**dog()), said(attributes={"ended": True}, detections=())]
    for burst in [arrivals] if together else [[one] for one in arrivals]:
        await soon(store.add(*burst))

    assert rows(store) == [(1, "event", KEY, None), (2, "amendment", None, 1), (3, "amendment", None, 1)]
    assert store.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]


async def test_amendment_after_a_restart_finds_its_event(store, said, soon):
    await soon(store.add(said()))
    await store.reopen()
    await soon(store.add(said(**dog())))

    assert rows(store)[1] == (2, "amendment", None, 1)


async def test_amendment_of_an_event_of_another_kind_in_the_same_batch_finds_it(store, arrivals, said, soon):
    edge = arrivals.record(1)
    key = edge.decoded.events[0].key
    await soon(store.add(edge, said(key, device="porch", detections=(), attributes={"verdict": "right"})))

    assert rows(store) == [(1, "event", key, None), (2, "amendment", None, 1)]


async def test_view_has_the_latest_of_all_and_the_time_of_the_first(store, arrivals, said, soon):
    first = said()
    later = first.decoded.events[0].captured_at + timedelta(minutes=1)
    await soon(store.add(first))
    await soon(store.add(said(**dog(), captured_at=later, attributes={"sub_label": "Rex"})))
    await soon(store.add(said(detections=(), captured_at=later, attributes={"ended": True})))

    event = await view(store)
    assert (event.id, event.kind, event.key, event.amends) == (1, "event", KEY, None)
    assert event.captured_at == first.decoded.events[0].captured_at
    assert event.labels == {"dog"}
    assert event.attributes == {"camera": "porch", "sub_label": "Rex", "ended": True}


async def test_view_is_found_by_what_the_event_is_now_and_not_by_what_it_was(store, said, soon):
    await soon(store.add(said()))
    await soon(store.add(said(**dog())))

    assert await store.log.newest(EventFilter(label="thumbs-up"), 10) == []
    assert [event.id for event in await store.log.newest(EventFilter(label="dog"), 10)] == [1]


async def test_log_shows_each_amendment_as_its_event_stood_then(store, said, soon):
    await soon(store.add(said()))
    await soon(store.add(said(detections=(), attributes={"sub_label": "Rex"})))
    await soon(store.add(said(**dog())))

    seen = [
        (event.id, event.amends, event.labels, len(event.attributes)) for event in await store.log.after(0, 9)
    ]
    assert seen == [(1, None, {"thumbs-up"}, 1), (2, 1, {"thumbs-up"}, 2), (3, 1, {"dog"}, 2)]
    assert await store.log.after(0, 9) == store.writer.tail.after(0, 9)


async def test_count_takes_an_amended_event_once_as_it_stood_then(store, said, soon):
    await soon(store.add(said(), said(**dog()), said("other", detections=dog()["detections"])))

    assert await store.log.count(EventFilter(), up_to=3) == 2
    assert await store.log.count(EventFilter(label="thumbs-up"), up_to=1) == 1
    assert await store.log.count(EventFilter(label="thumbs-up"), up_to=3) == 0


@pytest.mark.parametrize("together", [True, False])
async def test_amendment_that_says_nothing_new_leaves_no_row(store, said, soon, together):
    arrivals = [said(), said(), said(detections=())]
    for burst in [arrivals] if together else [[one] for one in arrivals]:
        await soon(store.add(*burst))

    assert len(rows(store)) == 1
    assert store.sql("SELECT COUNT(*) FROM messages") == [(1,)]


@pytest.mark.parametrize("place", ["box", "pixels"])
async def test_box_of_a_tracked_object_that_moves_leaves_no_row(store, said, soon, place):
    def at(left):
        if place == "box":
            return dog(box=Box(left=left, top=0, width=0.1, height=0.1))
        return dog(attributes={BOX_PIXELS: [left, 0, 1, 1]})

    await soon(store.add(said(**at(0.25))))
    await soon(store.add(said(**at(0.5))))
    assert len(rows(store)) == 1

    await soon(store.add(said(**at(0.75), attributes={"ended": True})))
    (found,) = (await view(store)).detections
    assert found == at(0.75)["detections"][0]


async def test_box_that_is_put_right_is_news_of_an_object_without_a_track(store, said, soon):
    for left in (0.25, 0.5):
        await soon(store.add(said(**dog(track=None, box=Box(left=left, top=0, width=0.1, height=0.1)))))

    assert len(rows(store)) == 2


async def test_late_fact_without_its_event_is_kept_until_it_can_be_replayed(store, said, soon):
    await soon(store.add(said(detections=())))

    assert rows(store) == []
    assert store.sql("SELECT code FROM quarantine") == [("nothing_to_amend",)]


async def test_device_cannot_amend_what_another_has_seen(store, said, soon):
    await soon(store.add(said(), said(device="attic", **dog())))

    assert len(rows(store)) == 1
    reason = "attic says something of event 1, which is of house"
    assert store.sql("SELECT code, reason FROM quarantine") == [("key_conflict", reason)]


async def test_attributes_that_become_too_many_are_refused(store, said, soon):
    await soon(store.add(said(attributes={str(n): 1 for n in range(60)})))
    await soon(store.add(said(attributes={f"more {n}": 1 for n in range(60)})))

    assert len(rows(store)) == 1
    assert store.sql("SELECT code FROM quarantine") == [("out_of_range",)]


@pytest.mark.parametrize("together", [True, False])
async def test_picture_finds_the_newest_event_of_its_camera_with_its_label(store, said, soon, together, jpeg):
    about = Newest("house", "porch", "thumbs-up")
    picture = said(None, about, jpeg, detections=(), attributes={}, frame=describe_picture(jpeg, Limits()))
    before = [said("a"), said("b"), said("c", **dog()), said("a", detections=(), attributes={"ended": True})]
    for burst in [[*before, picture]] if together else [before, [picture]]:
        await soon(store.add(*burst))

    assert rows(store)[-1] == (5, "amendment", None, 2)
    (event,) = [event for event in await store.log.newest(EventFilter(), 10) if event.id == 2]
    assert event.frame == describe_picture(jpeg, Limits())
    assert store.frames.path("house", event.frame).read_bytes() == jpeg


async def test_picture_does_not_find_an_event_of_long_ago(store, said, soon):
    await soon(store.add(said()))
    about = Newest("house", "porch", "thumbs-up")
    late = said(None, about, detections=(), attributes={"late": True})
    message = Message("mqtt", "t", b"", late.message.received_at + timedelta(hours=1))
    await soon(store.add(Arrival(message, late.decoded)))

    assert store.sql("SELECT code FROM quarantine") == [("nothing_to_amend",)]


async def test_late_fact_is_taken_from_quarantine_once_its_event_is_stored(store, said, soon):
    fact = said(detections=(), attributes={"sub_label": "Rex"})
    await soon(store.add(said()))
    await soon(store.add(Arrival(fact.message, fact.decoded, late=True)))

    assert (await view(store)).attributes == {"camera": "porch", "sub_label": "Rex"}


async def test_amendments_that_are_restored_are_what_they_were(store, make_store, tmp_path, said, soon):
    await soon(store.add(said(), said(**dog())))
    rows_of_log = await store.log.after(0, 9)
    other = tmp_path / "other"
    with restoring(other, "here") as restoration:
        restoration.add([(event, b"record", None) for event in rows_of_log])
    opened = make_store(other)
    await opened.open()
    try:
        assert await opened.log.after(0, 9) == rows_of_log
        await soon(opened.add(said(attributes={"ended": True}, detections=())))
        assert rows(opened)[-1] == (3, "amendment", None, 1)
    finally:
        await opened.close()
