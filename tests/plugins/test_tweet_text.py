"""The length of a tweet as X counts it, and how a text is shortened to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.tweet_text import MAX_WEIGHT, find_link, fit_tweet, part_links, weigh


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
        # From X's own conformance suite (twitter-text, with emoji counted as one sign).
        ("H🐱☺👨\u200d👩\u200d👧\u200d👦", 7),
        ("🙋🏽👨\u200d🎤", 4),
        ("😷👾😡🔥💩", 10),
        ("Aש\u05bc\u05c1", 4),
        ("故人西辞黄鹤楼", 14),
        ("Hey https://test.co", 27),
        ("🇯🇵🇺🇸", 4),
        ("1\ufe0f\u20e3❤\ufe0f", 4),
        ("©", 2),
        # Where X's list of domains decides, the longer of both.
        ("https://" + "a" * 40, 48),
        ("https://a.co/あ", 25),
        ("おはようa.com", 31),
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


def test_fit_tweet_does_not_part_an_emoji() -> None:
    family = "👨\u200d👩\u200d👧"
    text = fit_tweet(lambda message: message, family * 200)
    assert text == family * 139 + "…"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://a.b/c now", "https://a.b/c"),
        ("WWW.example.com", "WWW.example.com"),
        ("node.js", None),
        ("a thumb", None),
    ],
)
def test_find_link_finds_what_asks_for_one(text: str, link: str | None) -> None:
    assert find_link(text) == link


@pytest.mark.parametrize(
    "text", ["see https://a.co/b.c now", "example.com", "ありがとうa.com", "http://☃.net/"]
)
def test_part_links_leaves_no_link(text: str) -> None:
    parted = part_links(text)
    assert weigh(parted) == weigh(re.sub("[.:]", "-", parted))
    assert parted.replace("\u200b", "") == text


@given(st.text(alphabet="a.:/ hwtps", max_size=60))
def test_part_links_is_done_after_once(text: str) -> None:
    assert part_links(part_links(text)) == part_links(text)
