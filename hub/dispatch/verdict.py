"""What came of one attempt: turns what a plugin returned or raised into an outcome. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hub.authored import clean, in_words, text_of
from hub.dispatch.retry import RetryPolicy
from hub.dispatch.trace import trace_of
from hub.plugin import AlreadyDone, OutcomeUnknown, Reject, RetryLater, Skip
from hub.store.settlement import Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an attempt, and the pause in seconds before the next where there is one.

    `failed` says that the attempt speaks against the plugin or its far side, and not only against the event;
    `after_s` is how long the plugin asked to wait, `trace` where its code failed.
    """

    outcome: Outcome
    reason: str = ""
    note: str = ""
    pause_s: float = 0.0
    failed: bool = False
    after_s: float = 0.0
    trace: tuple[str, ...] = ()


DONE = Verdict("done")


def judge_return(value: object) -> Verdict:
    """Judge what `deliver` returned: None or a note; anything else is the plugin's mistake."""
    if value is None:
        return DONE
    if isinstance(value, str):
        return Verdict("done", note=clean(value))
    return Verdict("dead", f"returned {type(value).__name__}; deliver must return None or a note (str)")


def seconds_of(value: object) -> float | None:
    """Return what an author gave as seconds, or None where it is no number."""
    usable = isinstance(value, (int, float)) and not math.isnan(value)
    return float(value) if usable else None  # type: ignore[arg-type] # a number


def judge_error(error: BaseException, attempt: int, retries: RetryPolicy, *, left_unknown: bool) -> Verdict:
    """Judge what `deliver` raised.

    Args:
        left_unknown: A guarded effect was begun and its end is open, so it must not be tried again.
    """
    reason = text_of(error) or type(error).__name__
    if isinstance(error, AlreadyDone):
        return Verdict("done", note=reason)
    if isinstance(error, Reject):
        return Verdict("dead", reason)
    if isinstance(error, OutcomeUnknown):
        return Verdict("unknown", reason)
    if isinstance(error, Skip) and not left_unknown:
        return Verdict("skipped", reason)
    if not isinstance(error, RetryLater):
        reason = in_words(error)
    trace = tuple(map(clean, trace_of(error)))
    if left_unknown and not isinstance(error, RetryLater):  # then `once` itself says so at the next attempt
        told = f"{reason}; whether the effect took place is not known"
        return Verdict("unknown", told, failed=True, trace=trace)
    after_s = seconds_of(error.after_s) if isinstance(error, RetryLater) else None
    if retries.is_last(attempt):
        told = f"{reason} (attempt {attempt} of {retries.attempts})"
        return Verdict("dead", told, failed=True, after_s=after_s or 0.0, trace=trace)
    pause_s = retries.pause_s(attempt, after_s)
    return Verdict("retrying", reason, pause_s=pause_s, failed=True, after_s=after_s or 0.0, trace=trace)
