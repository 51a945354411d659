"""The strategies by which `retraining` chooses: each looks at an event, and says whether it wants it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.event import Box, Detection, Event, is_name
from hub.plugin import RejectedSeen
from plugins.capture_settings import (
    Confident,
    Disagree,
    NearThreshold,
    Negative,
    Random,
    Rare,
    Rejected,
)

CANDIDATES = "candidates"
"""The attribute with what a model saw below its threshold: objects of label, confidence, and perhaps box."""
THRESHOLD, THRESHOLDS = "threshold", "thresholds"
MOST_CANDIDATES = 100
BITS = 256
_STEPS = 2**64
_ROUNDING = 1e-9  # 0.6 - 0.5 is more than 0.1


@dataclass(frozen=True, slots=True)
class Wanted:
    """A strategy's wish: `score` (0..1) says how much the event teaches, `label` of which detection."""

    reason: str
    score: float
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that a model saw with less than its threshold."""

    label: str
    confidence: float


def draw_share(strategy: str, event: Event) -> float:
    """Return a number in [0, 1) that is the same at every look at an event, and another for each strategy."""
    name = event.key or str(event.amends or event.id)
    digest = hashlib.blake2b(f"{strategy}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / _STEPS


def list_candidates(event: Event) -> list[Candidate]:
    """Return what the sender tells of below its threshold; what it tells wrongly is left out."""
    told = event.attributes.get(CANDIDATES)
    found = map(_read_candidate, told[:MOST_CANDIDATES]) if isinstance(told, list) else ()
    return [one for one in found if one is not None]


def _read_candidate(told: Any) -> Candidate | None:
    label, confidence = (told.get("label"), told.get("confidence")) if isinstance(told, dict) else (None, 0)
    if not isinstance(label, str) or not is_name(label):
        return None
    sure = _as_fraction(confidence)
    return None if sure is None else Candidate(label, sure)


def _as_fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def threshold_of(event: Event, label: str, otherwise: float) -> float:
    """Return from which confidence a label counts: as the event tells it of its model, or else."""
    by_label = event.attributes.get(THRESHOLDS)
    told = by_label.get(label) if isinstance(by_label, dict) else None
    for value in (told, event.attributes.get(THRESHOLD)):
        if (found := _as_fraction(value)) is not None:
            return found
    return otherwise


def want_confident(settings: Confident, event: Event) -> Wanted | None:
    """Want a share of what the model is sure of."""
    best = event.best()
    if best is None or best.confidence < settings.min_confidence:
        return None
    drawn = draw_share("confident", event) < settings.share
    return Wanted("confident", best.confidence, best.label) if drawn else None


def want_near_threshold(settings: NearThreshold, event: Event, otherwise: float) -> Wanted | None:
    """Want what has a detection or candidate near its threshold."""
    seen = [(one.label, one.confidence) for one in event.detections]
    seen += [(one.label, one.confidence) for one in list_candidates(event)]
    apart = [(abs(sure - threshold_of(event, label, otherwise)), label) for label, sure in seen]
    nearest = min(apart, default=None)
    if nearest is None or nearest[0] > settings.band + _ROUNDING:
        return None
    return Wanted("near_threshold", _closeness(nearest[0], settings.band), nearest[1])


def _closeness(distance: float, reach: float) -> float:
    return max(0.0, 1.0 - distance / reach) if reach > 0 else 1.0


def want_random(settings: Random, event: Event) -> Wanted | None:
    """Want a share of all."""
    best = event.best()
    drawn = draw_share("random", event) < settings.share
    return Wanted("random", 0.0, best.label if best else None) if drawn else None


def want_rare(settings: Rare, shares: Mapping[str, float]) -> Wanted | None:
    """Want what has a label that is seldom seen; `shares` are those of the event's labels."""
    rarest = min(((share, label) for label, share in shares.items()), default=None)
    if rarest is None or rarest[0] >= settings.below:
        return None
    return Wanted("rare", _closeness(rarest[0], settings.below), rarest[1])


def want_disagree(settings: Disagree, event: Event, others: Sequence[Event]) -> Wanted | None:
    """Want a picture in which another model saw another thing, or the same elsewhere.

    Args:
        others: Earlier events of the same picture, newest first; of each model the newest counts.
    """
    if event.model is None:
        return None
    by_model = {other.model: other for other in reversed(others) if other.model is not None}
    by_model.pop(event.model, None)
    mine = _compared(settings, event)
    alone: list[Detection] = []
    for other in by_model.values():
        theirs = _compared(settings, other)
        alone += _without_match(settings, mine, theirs) + _without_match(settings, theirs, mine)
    best = max(alone, key=lambda one: one.confidence, default=None)
    return Wanted("disagree", best.confidence, best.label) if best else None


def _compared(settings: Disagree, event: Event) -> list[Detection]:
    return [one for one in event.detections if one.confidence >= settings.min_confidence]


def _without_match(
    settings: Disagree, these: Sequence[Detection], those: Sequence[Detection]
) -> list[Detection]:
    """Return the detections of one model that no detection of the other is the same thing as."""
    free = list(those)
    alone = []
    for one in these:
        same = (other for other in free if _is_same(settings, one, other))
        match = max(same, key=lambda other: _overlap(one.box, other.box), default=None)
        if match is None:
            alone.append(one)
        else:
            free.remove(match)
    return alone


def _is_same(settings: Disagree, one: Detection, other: Detection) -> bool:
    return one.label == other.label and _overlap(one.box, other.box) >= settings.overlap


def _overlap(one: Box | None, other: Box | None) -> float:
    """Return the intersection over union of two boxes; what has none is everywhere."""
    if one is None or other is None:
        return 1.0
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    union = one.width * one.height + other.width * other.height - common
    return common / union if union > 0 else 1.0


def of_device(event: Event, rejected: Sequence[RejectedSeen]) -> list[RejectedSeen]:
    """Return the rejections of the event's device, but not its own."""
    first = event.amends or event.id
    return [seen for seen in rejected if seen.device == event.device and seen.event_id != first]


def want_rejected(
    settings: Rejected, event: Event, likeness: bytes, rejected: Sequence[RejectedSeen]
) -> Wanted | None:
    """Want what a reviewer is likely to reject again: of a label, or a picture like one, of `rejected`."""
    again = {label for seen in rejected for label in seen.labels}
    wrong = [one for one in event.detections if one.label in again]
    best = max(wrong, key=lambda one: one.confidence, default=None)
    if best is not None:
        return Wanted("rejected", best.confidence, best.label)
    hashes = (seen.likeness for seen in rejected if seen.likeness is not None)
    differing = min((count_bits(likeness, one) for one in hashes), default=BITS)
    if differing > settings.bits:
        return None
    seen_now = event.best()
    return Wanted("rejected", 1.0 - differing / BITS, seen_now.label if seen_now else None)


def count_bits(one: bytes, other: bytes) -> int:
    """Return in how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def want_negative(settings: Negative, event: Event, otherwise: float) -> Wanted | None:
    """Want a share of what shows nothing, and all in which a candidate was just missed."""
    if event.detections:
        return None
    missed = [
        (threshold_of(event, one.label, otherwise) - one.confidence, one.label)
        for one in list_candidates(event)
    ]
    nearest = min((one for one in missed if one[0] > 0), default=None)
    if nearest is not None and settings.misses > 0 and nearest[0] <= settings.misses + _ROUNDING:
        return Wanted("negative", _closeness(nearest[0], settings.misses), nearest[1])
    return Wanted("negative", 0.0) if draw_share("negative", event) < settings.share else None
