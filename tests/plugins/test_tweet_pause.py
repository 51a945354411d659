"""The pause while X takes nothing from an account."""

from __future__ import annotations

import logging

import pytest

from hub.plugin import RetryLater
from plugins.tweet_pause import Pause


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pause(clock: Clock) -> Pause:
    return Pause(logging.getLogger("plugins.tweet"), clock)


def test_pause_lets_nobody_through_until_it_is_over(pause: Pause, clock: Clock) -> None:
    pause.check()
    pause.begin(RetryLater(60, "no credits"))
    clock.seconds += 50
    with pytest.raises(RetryLater, match="paused: no credits") as held:
        pause.check()
    assert held.value.after_s == 10
    clock.seconds += 10
    pause.check()


def test_pause_is_told_once_for_each_reason_and_at_its_end(
    pause: Pause, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for reason in ("no credits", "no credits", "wrong keys"):
        pause.begin(RetryLater(60, reason))
    pause.end()
    pause.end()
    assert [record.message for record in caplog.records] == [
        "tweet.paused, to ask again in 60 s: no credits",
        "tweet.paused, to ask again in 60 s: wrong keys",
        "tweet.resumed: X takes posts again",
    ]
