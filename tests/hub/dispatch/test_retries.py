"""The queue of deliveries to be tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hub.dispatch.retries import Retries, Retry

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make(*due_after_s: float) -> Retries:
    planned = [Retry(after(s), event_id, 2) for event_id, s in enumerate(due_after_s, start=1)]
    return Retries(planned, random.Random(1))  # noqa: S311 - not a secret


def test_retries_come_by_their_time_and_not_before_it() -> None:
    retries = make(3, 1, 60)
    assert [retries.pop_due(after(5)), retries.pop_due(after(5)), retries.pop_due(after(5))] == [
        Retry(after(1), 2, 2),
        Retry(after(3), 1, 2),
        None,
    ]
    assert retries
    assert not retries.is_due(after(59))


def test_retries_give_any_whether_due_or_not_until_there_is_none() -> None:
    retries = make(3, 1, 60)
    taken = {retries.pop_any(), retries.pop_any(), retries.pop_any()}
    assert {retry.event_id for retry in taken if retry} == {1, 2, 3}
    assert retries.pop_any() is None
    assert not retries


def test_retries_keep_only_what_is_wanted() -> None:
    retries = make(3, 1, 60)
    retries.keep(lambda event_id: event_id != 2)
    retries.add(after(2), 4, 1)
    assert [retries.pop_due(after(99)), retries.pop_due(after(99))] == [
        Retry(after(2), 4, 1),
        Retry(after(3), 1, 2),
    ]


def test_retries_are_moved_on_by_the_time_that_clocks_stood_still() -> None:
    retries = make(3, 1)
    assert retries.shift(timedelta(seconds=10)) == {1: after(13), 2: after(11)}
    assert not retries.is_due(after(10))
    assert retries.is_due(after(11))
