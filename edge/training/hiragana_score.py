"""How well a classifier reads cards of fonts it was never trained on, at a view angle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.model import Detector, read_card
from edge.training.cards import draw_card, draw_nothing
from edge.training.characters import HIRAGANA, LABELS, STRANGERS, VOWELS
from edge.training.fonts import HELD_OUT, HELD_OUT_WRITTEN, find_fonts
from edge.training.hands import draw_shot

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOTAL = "all"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a picture of a group (a font's family, or a kind of other picture) was taken for."""

    group: str
    wanted: str
    found: str
    confidence: float


@dataclass(frozen=True, slots=True)
class HiraganaScore:
    """The readings of one angle; `threshold` is the model's own."""

    readings: Sequence[Reading]
    threshold: float

    def accuracy(self, group: str = TOTAL) -> float:
        """The share of vowels whose best label is right, whatever its confidence."""
        return _share(one.found == one.wanted for one in self._vowels(group))

    def named(self, group: str = TOTAL) -> float:
        """The share of vowels that are named rightly and surely enough to be reported."""
        return _share(one.found == one.wanted and self._is_told(one) for one in self._vowels(group))

    def misnamed(self) -> float:
        """The share of vowels that are reported as another vowel."""
        return _share(one.found != one.wanted and self._is_told(one) for one in self._vowels(TOTAL))

    def confusion(self) -> float:
        """The share of う and え whose best label is the other of the two."""
        pair = [one for one in self.readings if one.wanted in ("う", "え")]
        return _share(one.found in ("う", "え") and one.found != one.wanted for one in pair)

    def alarms(self, group: str) -> float:
        """The share of a group's pictures without a vowel that are reported as one."""
        return _share(
            self._is_told(one) for one in self.readings if one.group == group and one.wanted == "other"
        )

    def confusions(self) -> Counter[tuple[str, str]]:
        """How often which of the six labels was taken for which."""
        return Counter((one.wanted, one.found) for one in self.readings)

    def _vowels(self, group: str) -> list[Reading]:
        return [
            one for one in self.readings if one.wanted in VOWELS and group in (TOTAL, one.group, _hand(one))
        ]

    def _is_told(self, one: Reading) -> bool:
        return one.found in VOWELS and one.confidence >= self.threshold


def open_classifier(folder: Path) -> Detector:
    """Return a classifier that tells its best label always, "other" too."""
    card = read_card(folder)
    return Detector(folder, card=card.model_copy(update={"threshold": 0.0, "ignore": ()}))


def score_hiragana(
    folder: Path, detector: Detector, angle_degrees: float, *, rounds: int, seed: int
) -> HiraganaScore:
    """Score a classifier on so many cards of each vowel and held-out font, and on as many other pictures.

    Raises:
        ConfigError: Fonts are missing.
    """
    rng = np.random.default_rng([seed, int(angle_degrees)])
    readings = [
        Reading(group, wanted, best.label, best.confidence)
        for group, wanted, frame in _draw(rng, angle_degrees, rounds)
        for best in detector.detect(frame)[:1]
    ]
    return HiraganaScore(readings, read_card(folder).threshold)


def _draw(
    rng: np.random.Generator, angle_degrees: float, rounds: int
) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Yield group, label and frame: the five vowels and five other pictures of each font, in each round."""
    fonts = [(family, path) for family, paths in find_fonts(HELD_OUT).items() for path in paths]
    for family, path in fonts * rounds:
        for vowel in VOWELS:
            frame = draw_card(rng, path, vowel, angle_degrees)
            if frame is not None:
                yield family, vowel, frame
        for group, characters in (("other hiragana", HIRAGANA), ("strangers", STRANGERS)):
            for character in rng.choice(list(characters), 2):
                frame = draw_card(rng, path, str(character), angle_degrees)
                if frame is not None:
                    yield group, "other", frame
        empty = draw_nothing(rng) if rng.random() < 0.5 else draw_shot(rng, angle_degrees).pixels
        yield "no character", "other", empty


def _hand(one: Reading) -> str:
    return "written" if one.group in HELD_OUT_WRITTEN else "printed"


def _share(told: Iterator[bool]) -> float:
    values = list(told)
    return sum(values) / len(values) if values else float("nan")


def confusion_rows(score: HiraganaScore) -> list[str]:
    """Return the confusion matrix as lines of a table."""
    counts = score.confusions()
    head = "| shown, taken for | " + " | ".join(LABELS) + " |"
    rows = [
        f"| {wanted} | " + " | ".join(str(counts[wanted, found]) for found in LABELS) + " |"
        for wanted in LABELS
    ]
    return [head, "|---" * (len(LABELS) + 1) + "|", *rows]
