"""What a gate saves, as it was published, and as it is when the figures are read rightly."""

from __future__ import annotations

import math

from hub.event import Plain

READ_WRONGLY = (
    'the published "precision" is the recall of the class "no text", and the published "recall" its '
    "precision: they were read off the confusion matrix the wrong way round"
)


class Savings(Plain):
    """Of so many pictures, how many are sent and how many are not."""

    predicted_calls: int
    saved_calls: int
    saved_share: float


def published_savings(with_text: int, without_text: int, precision: float, recall: float) -> Savings:
    """Return what was published: every error is taken as a share of all pictures.

    Calls are the pictures with text, plus (1 - precision) of all for false alarms, less (1 - recall) of all
    for misses; a part of a call is a call.
    """
    total = with_text + without_text
    saved = math.floor(without_text - total * (recall - precision))
    return _make(total, min(max(saved, 0), total))


def true_savings(with_text: int, without_text: int, precision: float, recall: float) -> tuple[Savings, float]:
    """Return what the same two figures say when read rightly, and the recall of text that is had.

    `precision` of the pictures without text are kept back, and of those kept back `recall` have none.
    """
    total, rightly = with_text + without_text, precision * without_text
    saved = min(round(rightly / recall) if recall else 0, total)
    missed = max(0.0, saved - rightly)
    return _make(total, saved), max(0.0, 1 - missed / with_text) if with_text else 1.0


def _make(total: int, saved: int) -> Savings:
    share = round(saved / total, 3) if total else 0.0
    return Savings(predicted_calls=total - saved, saved_calls=saved, saved_share=share)
