"""A plain message that the broker sends again is known by its id, as long as the id can be relied upon."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.decode.message import Message
from hub.store import recent as module
from hub.store.recent import MIDS, Recent, is_ahead, pack_entries, unpack_entries

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOPIC = "$aws/things/porch/infer"


def message(mid, payload=b"same", *, duplicate=False, topic=TOPIC):
    return Message("mqtt", topic, payload, NOW, mid, "session", duplicate)


def again(mid, payload=b"same", topic=TOPIC):
    return message(mid, payload, duplicate=True, topic=topic)


def judged(recent, *messages):
    verdicts = [recent.judge(each) for each in messages]
    recent.settle()
    return verdicts


@pytest.fixture
def counting():
    """The last messages of a broker known to count: 1 to 5, all the same."""
    recent = Recent(counts_up=True)
    judged(recent, *map(message, range(1, 6)))
    return recent


@pytest.mark.parametrize(("mid", "before", "ahead"), [(2, 1, 1), (1, 2, 0), (1, 65535, 1), (7, 7, 0)])
def test_ids_are_ordered_around_their_end(mid, before, ahead):
    assert is_ahead(mid, before) == ahead


def test_recent_takes_the_same_bytes_for_new_when_they_are_not_flagged():
    assert judged(Recent(counts_up=True), message(1), message(2), message(3)) == ["new"] * 3


def test_recent_knows_what_comes_again(counting):
    assert judged(counting, again(4), again(5)) == ["repeat", "repeat"]


def test_recent_knows_what_comes_again_within_one_batch(counting):
    assert judged(counting, message(6), again(6)) == ["new", "repeat"]


def test_recent_knows_a_repeat_however_often_it_comes(counting):
    assert [judged(counting, again(5)) for _ in range(3)] == [["repeat"]] * 3


def test_recent_takes_what_was_sent_but_never_committed_for_new(counting):
    assert judged(counting, again(5), again(6), again(7), again(7)) == ["repeat", "new", "new", "repeat"]


@pytest.mark.parametrize("other", [again(4, b"other"), again(4, topic="$aws/things/attic/infer")])
def test_recent_doubts_an_id_that_stood_for_something_else(counting, other):
    assert judged(counting, other) == ["doubtful"]


def test_recent_doubts_everything_of_a_session_it_does_not_know():
    assert judged(Recent(), again(7), again(8)) == ["doubtful", "doubtful"]


def test_recent_doubts_ids_until_they_went_upwards_for_long(monkeypatch):
    monkeypatch.setattr(module, "PROOF", 3)
    recent = Recent()

    assert judged(recent, message(1), again(1), message(2), message(3), again(3)) == [
        "new",
        "doubtful",
        "new",
        "new",
        "doubtful",
    ]
    assert judged(recent, message(4), again(4), again(3), again(5)) == ["new", "repeat", "repeat", "new"]


def test_recent_forgets_all_when_a_new_message_has_an_old_id(counting):
    assert judged(counting, message(3), again(4), again(5)) == ["new", "new", "new"]


def test_recent_never_relies_on_a_broker_that_gives_ids_away_at_once(monkeypatch):
    monkeypatch.setattr(module, "PROOF", 3)
    recent = Recent()

    assert judged(recent, *(message(1) for _ in range(20)), again(1))[-1] == "doubtful"


def test_recent_forgets_what_lies_before_the_window(monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 3)
    recent = Recent(counts_up=True)
    judged(recent, *map(message, range(1, 6)))

    assert judged(recent, again(2), again(3)) == ["doubtful", "repeat"]
    assert len(recent.entries) <= 4


def test_recent_counts_numbered_records_too_but_leaves_them_to_their_numbers(monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 3)
    recent = Recent(counts_up=True)
    record = "lenshub/v1/porch/events/0123456789abcdef/1"

    assert judged(recent, message(1), *(message(mid, topic=record) for mid in (2, 3, 4))) == ["new"] * 4
    assert judged(recent, again(4, topic=record), again(1)) == ["new", "doubtful"]
    assert record not in recent.entries


def test_recent_leaves_the_original_alone_until_it_is_settled(counting):
    batch = counting.copy()
    batch.judge(message(6))

    assert counting.judge(again(6)) == "new"


def test_entries_come_back_as_they_were_packed():
    added = {1: (1, b"a" * 16), MIDS: (2, bytes(range(16)))}

    assert unpack_entries(pack_entries(added)) == {1: b"a" * 16, MIDS: bytes(range(16))}


LIVES = st.lists(
    st.tuples(st.integers(0, 8), st.booleans(), st.floats(0, 1)), max_size=12
)  # of the hub: how many new messages it gets, whether it commits, how much of that the broker hears of


@given(LIVES, st.sampled_from([1, MIDS - 10]))
@settings(max_examples=200)
def test_recent_stores_each_of_many_equal_messages_once_wherever_the_hub_is_killed(lives, first):
    recent, sent, acknowledged, stored = Recent(counts_up=True), 0, 0, []
    for more, commits, heard in [*lives, (1, True, 1)]:
        batch, reach = recent.copy(), sent + more
        taken = [
            number
            for number in range(acknowledged, reach)
            if batch.judge(message((first + number - 1) % MIDS + 1, duplicate=number < sent)) != "repeat"
        ]
        sent = reach
        if commits:
            batch.settle()
            recent = batch
            stored += taken
            acknowledged += round(heard * (sent - acknowledged))

    assert stored == list(range(sent))
