"""Measuring how long models take."""

from __future__ import annotations

import pytest

from edge.bench import Latency, bench_model, make_noise, time_calls
from edge.model import SHIPPED, Detector


@pytest.mark.parametrize(
    ("milliseconds", "p50", "p95"), [(range(1, 101), 50, 95), ([7], 7, 7), ([1, 9], 1, 9), ([3, 1, 2], 2, 3)]
)
def test_latency_is_what_half_and_almost_all_calls_were_within(milliseconds, p50, p95):
    assert Latency.of([one / 1000 for one in milliseconds]) == Latency(p50, p95)


def test_calls_are_timed_in_turn_and_at_least_once():
    called: list[str] = []
    times = time_calls([lambda: called.append("a"), lambda: called.append("b")], seconds=0)
    assert [len(one) for one in times] == [1, 1]
    assert called[-2:] == ["a", "b"]


def test_noise_is_the_same_each_time():
    assert all((one == other).all() for one, other in zip(make_noise(9), make_noise(9), strict=True))


def test_bench_counts_frames_and_says_what_it_ran():
    done = bench_model(Detector(SHIPPED / "hiragana", threads=1), seconds=0.1)
    assert (done.model, done.device) == ("hiragana", "CPU")
    rounding = 0.05 * done.seconds + 0.0005 * done.frames_per_s + 0.001
    assert done.frames_per_s * done.seconds == pytest.approx(done.frames, abs=rounding)
    assert 0 < done.infer.p50_ms <= done.infer.p95_ms
