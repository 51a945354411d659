"""The table of outcomes: what a plugin returns or raises, and what comes of it."""

from __future__ import annotations

import asyncio

import pytest

from hub.authored import TEXT_CHARS
from hub.dispatch.retry import RetryPolicy
from hub.dispatch.verdict import Verdict, judge_error, judge_return
from hub.plugin import AlreadyDone, OutcomeUnknown, Reject, RetryLater, Skip


def judged(error, attempt=1, *, left_unknown=False):
    verdict = judge_error(error, attempt, RetryPolicy(3), left_unknown=left_unknown)
    return verdict.outcome, verdict.reason, verdict.note


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_verdict_of_nothing_returned_is_done():
    assert judge_return(None) == Verdict("done")


def test_verdict_of_a_note_is_done_with_it():
    assert judge_return("s3://bucket/key") == Verdict("done", note="s3://bucket/key")


@pytest.mark.parametrize("value", [0, 42, [], {}, object(), b"x", True])
def test_verdict_of_nonsense_returned_is_dead(value):
    verdict = judge_return(value)

    assert (verdict.outcome, verdict.note) == ("dead", "")
    assert verdict.reason == f"returned {type(value).__name__}; deliver must return None or a note (str)"


def test_verdict_keeps_a_note_short_and_on_one_line():
    note = judge_return("a\n\x00b\ud800" + "c" * 9000).note

    assert note.startswith("a b c")
    assert len(note) <= TEXT_CHARS


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AlreadyDone("tweet was already done"), ("done", "", "tweet was already done")),
        (Reject("no such bucket"), ("dead", "no such bucket", "")),
        (OutcomeUnknown("begun at noon"), ("unknown", "begun at noon", "")),
        (Skip("cooldown"), ("skipped", "cooldown", "")),
        (RetryLater(5, "busy"), ("retrying", "busy", "")),
        (ValueError("bad"), ("retrying", "ValueError: bad", "")),
        (SystemExit(3), ("retrying", "SystemExit: 3", "")),
        (asyncio.CancelledError(), ("retrying", "CancelledError", "")),
        (KeyboardInterrupt(), ("retrying", "KeyboardInterrupt", "")),
        (SpeechlessError(), ("retrying", "SpeechlessError", "")),
        (RetryLater("soon", "busy"), ("retrying", "busy", "")),
        (TimeoutError("took long"), ("retrying", "TimeoutError: took long", "")),
    ],
)
def test_verdict_of_what_was_raised(error, verdict):
    assert judged(error) == verdict


@pytest.mark.parametrize("error", [RetryLater(5, "busy"), ValueError("busy")])
def test_verdict_of_the_last_attempt_is_dead(error):
    outcome, reason, _ = judged(error, attempt=3)

    assert outcome == "dead"
    assert reason.endswith("busy (attempt 3 of 3)")


@pytest.mark.parametrize("error", [ValueError("x"), TimeoutError("x"), SystemExit("x"), Skip("x")])
def test_verdict_is_unknown_when_an_effect_was_left_open(error):
    outcome, reason, _ = judged(error, left_unknown=True)

    assert outcome == "unknown"
    assert reason.endswith("whether the effect took place is not known")


@pytest.mark.parametrize("error", [Reject("x"), AlreadyDone("x")])
def test_verdict_stands_when_the_plugin_knows_better(error):
    assert judged(error, left_unknown=True)[0] in {"dead", "done"}


def test_verdict_of_retry_later_pauses_as_long_as_asked():
    assert judge_error(RetryLater(99, "x"), 1, RetryPolicy(3), left_unknown=False).pause_s == 99
