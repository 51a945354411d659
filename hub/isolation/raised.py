"""Exceptions as they go through the pipe: described on one side, made again on the other. Pure."""

from __future__ import annotations

from hub.authored import clean, text_of
from hub.dispatch.verdict import seconds_of
from hub.errors import DeliveryError
from hub.isolation.lines import Raised
from hub.plugin import AlreadyDone, DeliverySignal, OutcomeUnknown, Reject, RetryLater, Skip

FAR_S = 1e12
_SIGNALS: dict[str, type[DeliverySignal]] = {
    kind.__name__: kind for kind in (Skip, RetryLater, Reject, AlreadyDone, OutcomeUnknown)
}


class ForeignError(DeliveryError):
    """An exception that a plugin raised in its own process; the class made of it has the original's name."""


def describe(error: BaseException) -> Raised:
    """Return an exception as a line can hold it; never fails, whatever an author's `__str__` does."""
    signal = next((name for name, kind in _SIGNALS.items() if isinstance(error, kind)), None)
    after_s = seconds_of(error.after_s) if isinstance(error, RetryLater) else None
    return Raised(
        name=clean(type(error).__name__)[:200],
        text=text_of(error),
        signal=signal,
        after_s=None if after_s is None else max(-FAR_S, min(after_s, FAR_S)),
    )


def rebuild(raised: Raised) -> BaseException:
    """Return the exception that was described."""
    if raised.signal == "RetryLater":
        return RetryLater(raised.after_s or 0.0, raised.text or "RetryLater")
    if raised.signal is not None:
        return _SIGNALS[raised.signal](raised.text)
    made: BaseException = type(raised.name or "Exception", (ForeignError,), {})(raised.text)
    return made
