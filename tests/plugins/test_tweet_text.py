"""The length of a tweet as X counts it, and how a text is shortened to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.tweet_text import MAX_WEIGHT, fit_tweet, weigh


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("thumbs up", 9),
        ("いいね", 6),
        ("e\u0301", 1),
        ("👍", 2),
        ("see https://example.com/a/very/long/path/that/goes/on?and=on now", 31),
        ("a.io", 23),
        ("‘quoted’…", 10),
    ],
)
def test_weigh_counts_as_x_does(text: str, weight: int) -> None:
    assert weigh(text) == weight


def test_fit_tweet_shortens_the_message_and_keeps_the_rest() -> None:
    text = fit_tweet(lambda message: f"At 18:31: {message} #botchitecture", "coffee " * 60)
    assert text.startswith("At 18:31: coffee coffee")
    assert text.endswith("… #botchitecture")
    assert MAX_WEIGHT - 2 <= weigh(text) <= MAX_WEIGHT


def test_fit_tweet_counts_wide_letters_twice() -> None:
    text = fit_tweet(lambda message: message, "あ" * 200)
    assert text == "あ" * 139 + "…"


def test_fit_tweet_leaves_alone_what_fits() -> None:
    assert fit_tweet(lambda message: f"<{message}>", "short") == "<short>"


@given(st.text(max_size=400), st.text(max_size=400))
def test_fit_tweet_always_fits(message: str, around: str) -> None:
    assert weigh(fit_tweet(lambda part: f"{around}{part}{around}", message)) <= MAX_WEIGHT
