"""How good a gate is, from its decisions and what was then found; refused pictures are known by the audit.

Of the refused only a random share was sent all the same. Each of those stands for as many refused ones as
there are for one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from hub.event import Plain

Z = 1.959964
"""Of a normal distribution: 95 % lie within so many deviations."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision. `has_text` is None where nothing was asked about it, or no answer is stored yet."""

    score: float | None
    passed: bool
    has_text: bool | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A picture whose truth is known, and how many it stands for."""

    score: float
    has_text: bool
    weight: float


class Matrix(Plain):
    """How many pictures, partly estimated: sent or refused, with text or without."""

    sent_with_text: float
    sent_without_text: float
    refused_with_text: float
    refused_without_text: float


class Report(Plain):
    """What `lenshub gate report` tells. Absent where nothing is known; intervals of 95 %, money in USD."""

    pictures: int
    passed: int
    refused: int
    audited: int
    known_passed: int
    known_refused: int
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    matrix: Matrix | None
    saved_calls: int
    saved_share: float
    saved_money: float


class Point(Plain):
    """What a threshold would do: of all pictures with text sent, of the sent with text, of all not sent."""

    threshold: float
    recall: float
    precision: float
    saved_share: float


def measure(decisions: Iterable[Judged], audited: int, price: float) -> Report:
    """Return the report on decisions as they were made; `audited` of the refused were sent all the same."""
    found = list(decisions)
    passed, refused = [d for d in found if d.passed], [d for d in found if not d.passed]
    known_passed = [d.has_text for d in passed if d.has_text is not None]
    known_refused = [d.has_text for d in refused if d.has_text is not None]
    precision, within = _share(known_passed)
    missed, missed_within = _share(known_refused) if refused else (0.0, (0.0, 0.0))
    saved = len(refused) - audited
    rightly = len(passed) * precision if precision is not None else None
    recall, recall_within, matrix = None, None, None
    if rightly is not None and missed is not None and missed_within is not None:
        recall = _recall(rightly, len(refused) * missed)
        unseen = len(refused) - len(known_refused)
        low, high = (sum(known_refused) + unseen * share for share in missed_within)
        recall_within = _interval(_recall(rightly, high), _recall(rightly, low))
        matrix = Matrix(
            sent_with_text=round(rightly, 1),
            sent_without_text=round(len(passed) - rightly, 1),
            refused_with_text=round(len(refused) * missed, 1),
            refused_without_text=round(len(refused) * (1 - missed), 1),
        )
    return Report(
        pictures=len(found),
        passed=len(passed),
        refused=len(refused),
        audited=audited,
        known_passed=len(known_passed),
        known_refused=len(known_refused),
        precision=precision,
        precision_interval=within,
        recall=recall,
        recall_interval=recall_within,
        matrix=matrix,
        saved_calls=saved,
        saved_share=saved / len(found) if found else 0.0,
        saved_money=round(saved * price, 6),
    )


def _recall(rightly: float, missed: float) -> float | None:
    return rightly / (rightly + missed) if rightly + missed else None


def _interval(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _share(known: list[bool]) -> tuple[float | None, tuple[float, float] | None]:
    if not known:
        return None, None
    return sum(known) / len(known), wilson(sum(known), len(known))


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Return the interval of 95 % for a share (Wilson, 1927)."""
    share, room = hits / tries, Z * Z / tries
    middle = (share + room / 2) / (1 + room)
    half = Z * (share * (1 - share) / tries + room / (4 * tries)) ** 0.5 / (1 + room)
    return max(0.0, middle - half), min(1.0, middle + half)


def weigh(decisions: Iterable[Judged]) -> list[Weighed]:
    """Return the pictures whose truth is known, so weighted that they stand for all."""
    scored = [d for d in decisions if d.score is not None]
    weights = {}
    for side in (True, False):
        all_of = [d for d in scored if d.passed is side]
        known = sum(d.has_text is not None for d in all_of)
        weights[side] = len(all_of) / known if known else 0.0
    return [
        Weighed(d.score, d.has_text, weights[d.passed])
        for d in scored
        if d.score is not None and d.has_text is not None
    ]


def trace(pictures: Iterable[Weighed]) -> list[Point]:
    """Return what each threshold would do, rising; one point for each score that there is."""
    rising = sorted(pictures, key=lambda one: one.score)
    total = sum(one.weight for one in rising)
    text = sum(one.weight for one in rising if one.has_text)
    sent, sent_text, points = total, text, []
    for number, one in enumerate(rising):
        if number == 0 or one.score > rising[number - 1].score:
            points.append(
                Point(
                    threshold=one.score,
                    recall=sent_text / text if text else 0.0,
                    precision=sent_text / sent if sent > 0 else 0.0,
                    saved_share=max(0.0, 1 - sent / total),
                )
            )
        sent -= one.weight
        sent_text -= one.weight * one.has_text
    return points


def choose(points: Iterable[Point], min_recall: float) -> Point | None:
    """Return the highest threshold that keeps so much recall, six digits behind the point."""
    enough = [point for point in points if point.recall >= min_recall - 1e-9]
    best = max(enough, key=lambda point: point.threshold, default=None)
    return best and best.model_copy(update={"threshold": math.floor(best.threshold * 1e6) / 1e6})
