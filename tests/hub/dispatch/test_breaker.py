"""The circuit breaker by itself, with a clock that the test sets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.dispatch.breaker import FAILURES, FIRST_PROBE_S, LONGEST_PROBE_S, Breaker


@pytest.fixture
def opened(clock):
    breaker = Breaker(clock)
    for number in range(FAILURES):
        breaker.fail(number, "down")
    return breaker


def test_breaker_opens_after_many_failures_in_a_row(clock):
    breaker = Breaker(clock)

    assert [breaker.fail(number, "down") for number in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    assert breaker.describe() == "10 failures in a row, probed until it works again: down"


def test_breaker_stays_closed_when_one_event_fails_by_itself(clock):
    breaker = Breaker(clock)
    for _ in range(10 * FAILURES):
        assert not breaker.fail(7, "poison")


def test_breaker_begins_anew_after_a_success(clock):
    breaker = Breaker(clock)
    for number in range(3 * FAILURES):
        assert not breaker.fail(number, "now and then")
        if number % (FAILURES - 1) == 0:
            breaker.succeed()


def test_breaker_lets_one_probe_through_at_a_time(opened, clock):
    assert not opened.may_probe()
    clock.advance(FIRST_PROBE_S)
    assert opened.may_probe()
    opened.probe(1)
    assert not opened.may_probe()
    opened.fail(99, "one that was under way")
    assert not opened.may_probe()


def test_breaker_probes_with_growing_pauses(opened, clock):
    pauses = []
    for _ in range(6):
        waited = 0
        while not opened.may_probe():
            clock.advance(1)
            waited += 1
        pauses.append(waited)
        opened.probe(1)
        opened.fail(1, "down")

    assert pauses == [FIRST_PROBE_S, 10, 20, 40, LONGEST_PROBE_S, LONGEST_PROBE_S]


def test_breaker_honours_the_pause_that_was_asked_for(opened, clock):
    clock.advance(FIRST_PROBE_S)
    opened.probe(1)
    opened.fail(1, "rate limit", after_s=500)
    clock.advance(499)
    assert not opened.may_probe()
    clock.advance(1)
    assert opened.may_probe()


def test_breaker_probes_again_at_once_after_an_end_that_tells_nothing(opened, clock):
    clock.advance(FIRST_PROBE_S)
    opened.probe(1)
    opened.leave(1)

    assert opened.may_probe()


def test_breaker_tells_how_long_it_was_open(opened, clock):
    clock.advance(300)

    assert opened.succeed() == timedelta(seconds=300)
    assert (opened.is_open, opened.succeed(), opened.describe()) == (False, None, "")
