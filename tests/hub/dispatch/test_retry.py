"""Pauses between attempts grow, are jittered, and honour what the other side asked for."""

from __future__ import annotations

import random

import pytest

from hub.dispatch.retry import LONGEST_PAUSE_S, RetryPolicy


@pytest.mark.parametrize(("attempt", "longest"), [(1, 2), (2, 4), (3, 8), (9, 512), (10, 600), (10_000, 600)])
def test_retry_pause_doubles_up_to_ten_minutes(attempt, longest):
    pauses = [RetryPolicy(8, random.Random(seed)).pause_s(attempt) for seed in range(50)]  # noqa: S311 - jitter

    assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert len(set(pauses)) > 40


def test_retry_pause_is_never_shorter_than_asked():
    policy = RetryPolicy(8)

    assert policy.pause_s(1, after_s=3600) == 3600
    assert policy.pause_s(20, after_s=1) >= LONGEST_PAUSE_S / 2


def test_retry_knows_its_last_attempt():
    assert [RetryPolicy(3).is_last(attempt) for attempt in (1, 2, 3, 4)] == [False, False, True, True]
