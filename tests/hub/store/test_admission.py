"""Exactly the next record of each line is admitted, whatever is lost, repeated or reordered."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.decode.message import Decoded, Message, Status
from hub.event import NewEvent
from hub.store.admission import Admission, Line, lines_of
from hub.store.arrival import Arrival
from hub.wire.protocol import Position

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EPOCH = "0123456789abcdef"
KEY = ("porch", EPOCH)


@pytest.fixture
def admission():
    """An admission that knows a line committed up to 5."""
    return Admission({KEY: Line(5, stale=1, early=2)}, {})


def test_admission_takes_the_next_record(admission, arrivals):
    ack = admission.add(arrivals.record(6))

    assert (ack.epoch, ack.seq, ack.hello) == (EPOCH, 6, None)
    assert len(admission.admitted) == 1
    assert admission.lines[KEY] == Line(6, stale=1, early=2)


def test_admission_counts_and_drops_a_stale_record(admission, arrivals):
    ack = admission.add(arrivals.record(5))

    assert ack.seq == 5
    assert (admission.admitted, admission.lines[KEY]) == ([], Line(5, stale=2, early=2))


def test_admission_counts_and_drops_an_early_record(admission, arrivals):
    ack = admission.add(arrivals.record(7))

    assert ack.seq == 5
    assert (admission.admitted, admission.lines[KEY]) == ([], Line(5, stale=1, early=3))


def test_admission_leaves_the_known_line_alone(admission, arrivals):
    admission.add(arrivals.record(6))

    assert admission.known[KEY].committed == 5


def test_admission_leaves_nothing_of_a_batch_for_the_garbage_collector(arrivals):
    arrival = arrivals.record(1)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            Admission({}, {}).add(arrival)
        assert gc.collect() < 10, "less than one object a time: other threads leave some"
    finally:
        gc.enable()


def test_admission_begins_an_unknown_epoch_at_zero(arrivals):
    admission = Admission({}, {})

    assert admission.add(arrivals.hello()).seq == 0
    assert admission.add(arrivals.record(1)).seq == 1


def test_admission_lets_a_quarantined_record_consume_its_number(admission, arrivals):
    ack = admission.add(arrivals.refused(6))

    assert ack.seq == 6
    assert [item.error.code for item in admission.refused] == ["not_json"]
    assert admission.add(arrivals.record(7)).seq == 7


def test_admission_quarantines_a_record_once(admission, arrivals):
    admission.add(arrivals.refused(6))
    admission.add(arrivals.refused(6))

    assert len(admission.refused) == 1


def test_admission_quarantines_plain_messages_each_time(admission, arrivals):
    assert admission.add(arrivals.refused()) is None
    admission.add(arrivals.refused())

    assert len(admission.refused) == 2


def test_admission_answers_a_hello_with_where_it_stands_and_its_nonce(admission, arrivals):
    ack = admission.add(arrivals.hello("mine"))

    assert (ack.epoch, ack.seq, ack.hello) == (EPOCH, 5, "mine")


def test_admission_answers_a_hello_with_what_came_before_it_in_the_batch(admission, arrivals):
    admission.add(arrivals.record(6))

    assert admission.add(arrivals.hello()).seq == 6


def test_admission_lets_a_gap_consume_its_numbers(admission, arrivals):
    assert admission.add(arrivals.gap(6, 9)).seq == 9
    assert admission.add(arrivals.record(10)).seq == 10
    assert [(gap.first, gap.last) for _, gap, _ in admission.gaps] == [(6, 9)]


def test_admission_keeps_only_the_missing_part_of_a_gap_that_overlaps(admission, arrivals):
    assert admission.add(arrivals.gap(3, 8)).seq == 8
    assert [(gap.first, gap.last) for _, gap, _ in admission.gaps] == [(6, 8)]


@pytest.mark.parametrize(("first", "last", "line"), [(7, 9, Line(5, 1, 3)), (2, 5, Line(5, 2, 2))])
def test_admission_drops_a_gap_that_is_early_or_stale(admission, arrivals, first, last, line):
    assert admission.add(arrivals.gap(first, last)).seq == 5
    assert (admission.gaps, admission.lines[KEY]) == ([], line)


def test_admission_keeps_lines_of_devices_and_epochs_apart(admission, arrivals):
    other_epoch = admission.add(arrivals.record(1, epoch="fedcba9876543210"))
    other_device = admission.add(arrivals.record(1, device="attic"))

    assert (other_epoch.seq, other_device.seq, admission.line(*KEY).committed) == (1, 1, 5)


def test_admission_corrects_a_clock_in_1970(admission, arrivals):
    wrong = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    admission.add(arrivals.hello(now=wrong))
    admission.add(arrivals.record(6, event=arrivals.event(captured_at=wrong + timedelta(seconds=3))))

    assert admission.admitted[0].event.captured_at == NOW + timedelta(seconds=3)
    assert admission.new_skews["porch"] == (NOW - wrong).total_seconds()


def test_admission_corrects_by_the_skew_known_from_before(arrivals):
    admission = Admission({}, {"porch": 60.0})
    admission.add(arrivals.record(1))

    assert admission.admitted[0].event.captured_at == NOW + timedelta(seconds=60)


def test_admission_leaves_small_skews_and_other_sources_alone(arrivals):
    admission = Admission({}, {"porch": 60.0})
    admission.add(arrivals.plain())
    admission.add(arrivals.hello(now=NOW - timedelta(seconds=4)))
    admission.add(arrivals.record(1))

    assert [item.event.captured_at for item in admission.admitted] == [NOW, NOW]


def test_admission_keeps_a_time_that_no_correction_can_hold(arrivals):
    at = datetime(9999, 12, 31, tzinfo=UTC)
    admission = Admission({}, {"porch": 1e9})
    admission.add(arrivals.record(1, event=arrivals.event(captured_at=at)))

    assert admission.admitted[0].event.captured_at == at


def test_admission_gives_the_picture_to_the_first_event_of_a_message(admission, arrivals):
    admission.add(arrivals.plain(arrivals.event(), arrivals.event(), picture=b"x"))

    assert [item.picture for item in admission.admitted] == [b"x", None]


def test_admission_passes_statuses_on(admission, arrivals):
    said = Status(device="porch", kind="online", text="", at=NOW)
    admission.add(arrivals(statuses=(said,), device="porch"))

    assert (admission.statuses, admission.seen) == ([said], {"porch": NOW})


def test_lines_of_names_the_lines_a_batch_asks_about(arrivals):
    batch = [arrivals.record(1), arrivals.hello(device="a"), arrivals.gap(1, 2, device="b"), arrivals.plain()]

    assert lines_of(batch) == {KEY, ("a", EPOCH), ("b", EPOCH)}


def _record(seq, *, lied=False):
    event = NewEvent(source="edge", device="porch", captured_at=NOW, key=str(seq))
    decoded = Decoded(events=(event,), device="porch", position=Position("porch", EPOCH, seq))
    return Arrival(Message("mqtt", "t", b"", NOW), decoded)


@given(st.data())
@settings(max_examples=200)
def test_admission_stores_each_record_once_and_in_order_whatever_the_way_does(data):
    last = data.draw(st.integers(1, 12), label="records")
    lines, stored, resumes = {}, [], 0
    while (lines.get(KEY) or Line()).committed < last:
        resumes += 1
        ahead = range(
            (lines.get(KEY) or Line()).committed + 1, last + 1
        )  # sending resumes where the ack says
        noise = data.draw(st.lists(st.integers(1, last + 3), max_size=12))
        sent = data.draw(st.permutations([*ahead, *noise])) if resumes % 2 else [*noise, *ahead]
        for batch in (sent[: len(sent) // 2], sent[len(sent) // 2 :]):
            admission = Admission(lines, {})
            acks = [admission.add(_record(seq)).seq for seq in batch if seq <= last]
            assert acks == sorted(acks)
            lines |= admission.lines
            stored += [item.event.key for item in admission.admitted]

    assert stored == [str(seq) for seq in range(1, last + 1)]
