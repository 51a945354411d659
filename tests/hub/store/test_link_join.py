"""A link to a picture is joined to its device's next event, and to no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.decode.message import Message
from hub.event import NewEvent
from hub.store.link_join import LINK_AGE, LinkJoin, PendingLink
from hub.store.recent import Recent, Recents

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINK = "https://s3.amazonaws.com/bucket/images/1.jpg"
OTHER = "https://s3.amazonaws.com/bucket/images/2.jpg"


def message(mid=1, after=timedelta(0), *, duplicate=False, session="s"):
    return Message("mqtt", "t", b"", NOW + after, mid, session, duplicate)


def event(device="porch", **attributes):
    return NewEvent(source="deeplens", device=device, captured_at=NOW, attributes=attributes)


@pytest.fixture
def waiting():
    """A link of message 5 that waits since an earlier batch, on a broker known to count."""
    recents = Recents({"s": Recent(counts_up=True)})
    return LinkJoin({"porch": PendingLink(LINK, NOW, "s", 5)}, recents)


def linked(joined):
    return joined.attributes.get("link_to_img")


def test_link_is_joined_to_the_next_event_and_to_no_later_one(waiting):
    assert [linked(waiting.join(event(), message(mid))) for mid in (6, 7)] == [LINK, None]
    assert (waiting.news, waiting.given_up) == ({"porch": None}, [])


def test_link_of_the_same_batch_is_joined(waiting):
    waiting.hold("attic", OTHER, message())

    assert linked(waiting.join(event("attic"), message(2))) == OTHER
    assert waiting.news == {}


def test_link_is_not_joined_to_an_event_of_another_device(waiting):
    assert linked(waiting.join(event("attic"), message(6))) is None
    assert waiting.changed == {}


def test_link_takes_the_place_of_an_older_one_which_goes_to_the_history(waiting):
    waiting.hold("porch", OTHER, message(6))

    assert linked(waiting.join(event(), message(7))) == OTHER
    assert [(said.kind, said.text, said.at) for said in waiting.given_up] == [("image_link", LINK, NOW)]


@pytest.mark.parametrize("after", [LINK_AGE + timedelta(microseconds=1), timedelta(microseconds=-1)])
def test_link_is_not_joined_when_its_time_is_over(waiting, after):
    assert linked(waiting.join(event(), message(6, after))) is None
    assert waiting.changed == {"porch": None}
    assert [said.text for said in waiting.given_up] == [LINK]


def test_link_is_joined_just_before_its_time_is_over(waiting):
    assert linked(waiting.join(event(), message(6, LINK_AGE))) == LINK


@pytest.mark.parametrize(("own", "given_up"), [(LINK, 0), (OTHER, 1)])
def test_event_keeps_a_link_of_its_own(waiting, own, given_up):
    assert linked(waiting.join(event(link_to_img=own), message(6))) == own
    assert len(waiting.given_up) == given_up
    assert linked(waiting.join(event(), message(7))) is None


@pytest.mark.parametrize(
    ("mid", "session", "found"), [(6, "s", LINK), (4, "s", None), (5, "s", None), (6, "another", None)]
)
def test_link_is_joined_to_a_redelivered_event_only_if_that_was_sent_after_it(waiting, mid, session, found):
    assert linked(waiting.join(event(), message(mid, duplicate=True, session=session))) == found


def test_link_is_not_joined_to_a_redelivered_event_when_ids_cannot_be_relied_upon():
    waiting = LinkJoin({"porch": PendingLink(LINK, NOW, "s", 5)}, Recents({}))

    assert linked(waiting.join(event(), message(6, duplicate=True))) is None


def test_link_is_joined_without_touching_the_other_attributes(waiting):
    assert waiting.join(event(device_id="x"), message(6)).attributes == {
        "device_id": "x",
        "link_to_img": LINK,
    }
