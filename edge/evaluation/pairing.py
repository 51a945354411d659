"""Pairs what is true of a picture with what was found on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edge.demo.score import match_boxes
from edge.evaluation.exam import Truth
from edge.evaluation.looking import Found
from hub.event import Box, Detection

Limit = Callable[[str], float]
"""The confidence from which a detection of a label counts."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing: true and found, true and missed, or found and false.

    Attributes:
        sure: How sure the model was of the truth; below the limit where it was missed, 0 if not at all.
    """

    truth: Truth | None
    found: Detection | None
    sure: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether what was found is true."""
        return bool(self.truth and self.found and self.truth.label == self.found.label)

    @property
    def error(self) -> float:
        """How far off the model was, 0..1: how sure of what is false, or unsure of what is true."""
        if self.is_right:
            return 0.0
        false = self.found.confidence if self.found else 0.0
        return max(false, 1 - self.sure if self.truth else 0.0)


def pair(truths: Sequence[Truth], found: Found, limit: Limit) -> list[Pair]:
    """Return the pairs of a picture: those of one label first, then boxes at one place with other labels."""
    if any(truth.box for truth in truths) or any(one.box for one in found):
        return _pair_boxes(truths, found, limit)
    return _pair_whole(truths[0] if truths else None, found, limit)


def find_true(truths: Sequence[Truth], found: Found) -> dict[int, int]:
    """Return the place of the truth for the place of each detection that is true, whatever its confidence."""
    if not any(truth.box for truth in truths):
        return {0: 0} if truths and found and found[0].label == truths[0].label else {}
    true: dict[int, int] = {}
    for label in {truth.label for truth in truths}:
        here = [place for place, truth in enumerate(truths) if truth.label == label]
        ours = [place for place, one in enumerate(found) if one.label == label]
        matches = match_boxes([found[place] for place in ours], [_box(truths[place]) for place in here])
        true |= {ours[match.detection]: here[match.box] for match in matches}
    return true


def _box(one: Truth | Detection) -> Box:
    return one.box or Box(left=0, top=0, width=1, height=1)


def _pair_boxes(truths: Sequence[Truth], found: Found, limit: Limit) -> list[Pair]:
    true = find_true(truths, found)
    sure = {truth: found[place].confidence for place, truth in true.items()}
    told = [place for place, one in enumerate(found) if one.confidence >= limit(one.label)]
    right = {place: true[place] for place in told if place in true}
    missed = [place for place in range(len(truths)) if place not in right.values()]
    false = [place for place in told if place not in right]
    pairs = [Pair(truths[there], found[place], sure[there]) for place, there in right.items()]
    return pairs + list(_pair_rest(truths, found, missed, false, sure))


def _pair_rest(
    truths: Sequence[Truth], found: Found, missed: list[int], false: list[int], sure: dict[int, float]
) -> Iterator[Pair]:
    """Pair what was missed with what was found there under another name, and the others with nothing."""
    matches = match_boxes([found[place] for place in false], [_box(truths[place]) for place in missed])
    mistaken = {
        missed[match.box]: false[match.detection]
        for match in matches
        if truths[missed[match.box]].label != found[false[match.detection]].label
    }
    for there in missed:
        yield Pair(truths[there], found[mistaken[there]] if there in mistaken else None, sure.get(there, 0.0))
    taken = set(mistaken.values())
    yield from (Pair(None, found[place]) for place in false if place not in taken)


def _pair_whole(truth: Truth | None, found: Found, limit: Limit) -> list[Pair]:
    told = next((one for one in found if one.confidence >= limit(one.label)), None)
    sure = max((one.confidence for one in found if truth and one.label == truth.label), default=0.0)
    return [Pair(truth, told, sure)] if truth or told else []
