"""How far reviewers agree on the events that two of them have seen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from hub.event import Detection
from hub.review.geometry import pair_up
from hub.review.standing import find_standing, is_same_word, outcome_of
from hub.store.reviews import SKIPPED, Word
from hub.verdicts import REJECTED

NOTHING = ""
"""Stands for the label of what one of the two did not see."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An event of which two reviewers do not say the same."""

    event_id: int
    reviewers: tuple[str, str]
    verdicts: tuple[str, str]
    settled_by: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the first words of two reviewers on each event that both have seen.

    Attributes:
        same: The share of events of which they say the same, 0 to 1; None without events.
        verdict_kappa: Cohen's kappa of the three verdicts; None where chance alone explains all.
        label_kappa: The same of the labels of things, where a thing that one did not see has none.
        mean_overlap: The mean intersection over union of the boxes that belong together.
    """

    events: int
    same: float | None
    verdict_kappa: float | None
    label_kappa: float | None
    mean_overlap: float | None
    disagreements: tuple[Disagreement, ...] = ()


def measure_agreement(
    reviewed: Iterable[tuple[Sequence[Word], tuple[Detection, ...]]], same_box: float
) -> Agreement:
    """Return how far reviewers agree.

    Args:
        reviewed: All words on each event, in order, and its detections before them.
        same_box: The overlap from which on two boxes are of the same thing.
    """
    verdicts: list[tuple[str, str]] = []
    labels: list[tuple[str, str]] = []
    overlaps: list[float] = []
    disagreements: list[Disagreement] = []
    for said, found in reviewed:
        two = _find_two(said)
        if two is None:
            continue
        one, other = two
        verdicts.append((one.verdict, other.verdict))
        if not is_same_word(one, other, found, same_box):
            disagreements.append(_describe(one, other, said, found, same_box))
        if REJECTED not in verdicts[-1]:
            for pair in pair_up(outcome_of(one, found), outcome_of(other, found), same_box):
                labels.append(
                    (pair.one.label if pair.one else NOTHING, pair.other.label if pair.other else NOTHING)
                )
                overlaps += [] if pair.overlap is None else [pair.overlap]
    return Agreement(
        events=len(verdicts),
        same=1 - len(disagreements) / len(verdicts) if verdicts else None,
        verdict_kappa=find_kappa(verdicts),
        label_kappa=find_kappa(labels),
        mean_overlap=fmean(overlaps) if overlaps else None,
        disagreements=tuple(disagreements),
    )


def _find_two(said: Sequence[Word]) -> tuple[Word, Word] | None:
    """Return what two reviewers said before anybody settled it: the last word of each of the first two."""
    firsts: dict[str, Word] = {}
    for word in said:
        if word.undone_at is not None or word.verdict == SKIPPED:
            continue
        if len(firsts) == 2:
            break
        firsts[word.reviewer] = word
    found = tuple(firsts.values())
    return (found[0], found[1]) if len(found) == 2 else None


def _describe(
    one: Word, other: Word, said: Sequence[Word], found: tuple[Detection, ...], same_box: float
) -> Disagreement:
    standing = find_standing(said, found, same_box)
    settled_by = standing.word.reviewer if standing.word else None
    return Disagreement(
        one.event_id, (one.reviewer, other.reviewer), (one.verdict, other.verdict), settled_by
    )


def find_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of what two said of each thing: 1 is all the same, 0 as much as by chance.

    Source: J. Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    if not pairs:
        return None
    total = len(pairs)
    observed = sum(one == other for one, other in pairs) / total
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(count * others[name] for name, count in ones.items()) / total**2
    return None if chance == 1 else (observed - chance) / (1 - chance)
