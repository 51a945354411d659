"""Decides which frames without a detection the hub is told of, as training data, and what it is told."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from edge.camera_tables import SamplingTable
    from edge.model_card import ModelCard
    from edge.record import Finding
    from hub.event import Detection

Sampled = Literal["empty", "candidates"]
MOST_TOLD = 12  # candidates, and thresholds of single labels: an event has 8,192 characters of attributes
DIGITS = 4


class Sampling:
    """Remembers when a frame was last sampled.

    Args:
        rules: The table [sampling] of agent.toml.
        clock: Seconds that only grow.
        draw: Returns a number in [0, 1), another one each time.
    """

    def __init__(
        self,
        rules: SamplingTable,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._rules, self._clock, self._draw = rules, clock, draw
        self._sampled_at: dict[Sampled, float] = {}

    def admit(self, candidates: Sequence[Detection]) -> Sampled | None:
        """Return why a frame without a detection becomes an event, or None where it does not."""
        rules = self._rules
        if candidates:
            return "candidates" if self._is_due("candidates", rules.candidates_every_s) else None
        if not rules.samples_empty or self._draw() >= rules.share_of_empty:
            return None
        return "empty" if self._is_due("empty", rules.empty_every_s or 0.0) else None

    def _is_due(self, why: Sampled, every_s: float) -> bool:
        now = self._clock()
        due = now - self._sampled_at.get(why, float("-inf")) >= every_s
        if due:
            self._sampled_at[why] = now
        return due


def tell_sampled(finding: Finding, card: ModelCard) -> dict[str, Any]:
    """Return the attributes that say what a model saw below its threshold, and what that is."""
    told = finding.candidates[:MOST_TOLD]
    labels = dict.fromkeys(found.label for found in (*told, *finding.detections))
    own = {label: card.threshold_of(label) for label in list(labels)[:MOST_TOLD] if label in card.thresholds}
    attributes: dict[str, Any] = {"threshold": card.threshold}
    attributes |= {"thresholds": own} if own else {}
    attributes |= {"candidates": [_tell(found) for found in told]} if told else {}
    return attributes | ({"sampled": finding.sampled} if finding.sampled else {})


def _tell(found: Detection) -> dict[str, Any]:
    told: dict[str, Any] = {"label": found.label, "confidence": round(found.confidence, DIGITS)}
    if found.box is not None:
        box = found.box
        told["box"] = [round(side, DIGITS) for side in (box.left, box.top, box.width, box.height)]
    return told
