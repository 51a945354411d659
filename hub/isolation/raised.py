"""Exceptions as they go through the pipe: described on one side, made again on the other. Pure."""

from __future__ import annotations

from hub.authored import clean, text_of
from hub.dispatch.trace import trace_of
from hub.dispatch.verdict import seconds_of
from hub.errors import ForeignError
from hub.isolation.lines import Raised
from hub.plugin import AlreadyDone, DeliverySignal, OutcomeUnknown, Reject, RetryLater, Skip

FAR_S = 1e12
_SIGNALS: dict[str, type[DeliverySignal]] = {
    kind.__name__: kind for kind in (Skip, RetryLater, Reject, AlreadyDone, OutcomeUnknown)
}


def describe(error: BaseException) -> Raised:
    """Return an exception as a line can hold it; never fails, whatever an author's `__str__` does."""
    signal = next((name for name, kind in _SIGNALS.items() if isinstance(error, kind)), None)
    after_s = seconds_of(error.after_s) if isinstance(error, RetryLater) else None
    return Raised(
        name=clean(type(error).__name__)[:200],
        text=text_of(error),
        signal=signal,
        after_s=None if after_s is None else max(-FAR_S, min(after_s, FAR_S)),
        trace=tuple(map(clean, trace_of(error))),
    )


def rebuild(raised: Raised) -> BaseException:
    """Return the exception that was described."""
    if raised.signal == "RetryLater":
        return RetryLater(raised.after_s or 0.0, raised.text or "RetryLater")
    if raised.signal is not None:
        return _SIGNALS[raised.signal](raised.text)
    told = {"trace": raised.trace}
    made: BaseException = type(raised.name or "Exception", (ForeignError,), told)(raised.text)
    return made
