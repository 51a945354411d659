"""An evaluation from end to end, for commands and programs: models in, figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.evaluation.comparison import Comparison
from edge.evaluation.exam import Exam, set_exam
from edge.evaluation.figures import Figures
from edge.evaluation.looking import Entrant, Looked, Tell, look
from hub.dataset.reading import silent
from hub.dataset.sample import Dataset


@dataclass(frozen=True, slots=True)
class Examination:
    """What was asked, what was found, and the figures of each model."""

    exam: Exam
    looked: Looked
    figures: tuple[Figures, ...]

    def compare(self, seed: int = 0) -> Comparison:
        """Compare the first model, the old one, with the second; another seed draws other resamples."""
        old, new = self.figures
        return Comparison(old, new, seed)

    def as_json(self) -> dict[str, Any]:
        """Return what was looked at, and what not and why."""
        return {
            "split": self.exam.split,
            "pictures": len(self.looked.scenes),
            "notes": list(self.exam.notes),
            "left_out": [{"picture": name, "reason": reason} for name, reason in self.looked.left_out],
        }


def examine(
    entrants: Sequence[Entrant],
    dataset: Dataset,
    split: str | None = None,
    threshold: float | None = None,
    tell: Tell = silent,
) -> Examination:
    """Have models look at a set's pictures.

    Args:
        split: train, validation, test or all; None takes validation, else test, else all there is.
        threshold: The confidence from which detections count; None for each model's own.

    Raises:
        ConfigError: A model is of a kind that cannot be evaluated, or they are of several.
        EvaluationError: There is no picture, none that can be read, or no class in common.
    """
    exam = set_exam(dataset, [card for card, _ in entrants], split)
    looked = look(exam, [detector for _, detector in entrants], tell)
    figures = (Figures(card, exam, looked, turn, threshold) for turn, (card, _) in enumerate(entrants))
    return Examination(exam, looked, tuple(figures))
