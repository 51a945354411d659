"""The cursor is the end of the longest ended prefix, and what it passed is counted once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.dispatch.progress import Progress


def test_progress_waits_for_the_first_one_under_way():
    progress = Progress(10)
    for number in (11, 12, 13):
        progress.take(number)
    progress.end(13, "done")
    progress.end(12, "done")
    assert (progress.cursor, progress.counts["done"]) == (10, 0)

    progress.end(11, "done")
    assert (progress.cursor, progress.counts["done"]) == (13, 3)


def test_progress_goes_on_from_earlier_counts():
    progress = Progress(5, done=3, filtered=2)
    progress.take(9)
    progress.end(9, "filtered")

    assert (progress.cursor, progress.counts) == (9, {"done": 3, "filtered": 3, "row": 0})


def test_progress_leaves_an_event_alone_that_the_cursor_has_passed():
    progress = Progress(0)
    progress.take(1)
    progress.end(1, "row")
    progress.end(1, "done")

    assert progress.counts == {"done": 0, "filtered": 0, "row": 1}


def test_progress_is_ahead_of_what_is_durable():
    progress = Progress(10)
    progress.take(11)
    progress.take(14)
    assert progress.ahead == 4

    progress.committed = 11
    assert progress.ahead == 3


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["done", "filtered", "row"])), max_size=30),
    st.randoms(use_true_random=False),
)
@settings(max_examples=300)
def test_progress_cursor_is_the_longest_ended_prefix_in_any_order(steps, chance):
    progress, taken, ended, number = Progress(0), [], {}, 0
    waiting = list(steps)
    while waiting or len(ended) < len(taken):
        under_way = [one for one in taken if one not in ended]
        if waiting and (not under_way or chance.random() < 0.5):
            number += waiting[-1][0]  # ids may have holes
            taken.append(number)
            progress.take(number)
            kinds = dict(zip(taken, (kind for _, kind in reversed(steps)), strict=False))
            waiting.pop()
        else:
            one = chance.choice(under_way)
            ended[one] = kinds[one]
            progress.end(one, kinds[one])
        first_open = next((at for at, one in enumerate(taken) if one not in ended), len(taken))
        passed = taken[:first_open]
        assert progress.cursor == (passed[-1] if passed else 0)
        assert sum(progress.counts.values()) == len(passed)
        assert all(progress.counts[k] == [ended[p] for p in passed].count(k) for k in progress.counts)
