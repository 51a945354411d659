"""What came of the loop: the figures before and after, and whether the loop did what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

MORE_FRAMES = "; with few frames that is chance: give more --frames, or leave the option out"


class Figures(BaseModel):
    """What a model is worth on the held-out pictures; precision and recall at its own threshold."""

    version: str
    threshold: float
    ap50: float
    precision: float | None
    recall: float

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Figures:
        """Read what `lenshub evaluate --json` says of a model."""
        counts = said["counts"]
        return cls(
            version=said["model"]["version"],
            threshold=said["threshold"],
            ap50=said["ap50"],
            precision=counts["precision"],
            recall=counts["recall"],
        )


class LoopSummary(BaseModel):
    """What came of the loop.

    Attributes:
        captured: How many events each strategy had chosen.
        reviewed: How often each verdict was given.
        pictures: In each split of the training set.
        verdict: Of `lenshub evaluate --compare`: better, worse, or that chance may have made the difference.
        change: Of AP50: lowest, mean and highest, with the certainty of 95 %.
        watched: The held-out frames that the new model looked at on the agent, those with a thumb up, and the
            events of them that the hub has from it.
        seconds: How long each step took.
    """

    frames: int
    events: int
    captured: dict[str, int]
    reviewed: dict[str, int]
    pictures: dict[str, int]
    old: Figures
    new: Figures
    verdict: str
    change: tuple[float, float, float]
    watched: dict[str, int]
    seconds: dict[str, float]
    paths: dict[str, str]

    def problems(self) -> list[str]:
        """Return what keeps this loop from being a success."""
        found = []
        if self.verdict != "better":
            found.append(f"the new model is not better: {self.verdict}{MORE_FRAMES}")
        if not self.watched["events"]:
            found.append("the new model told nothing of the held-out frames")
        return found
