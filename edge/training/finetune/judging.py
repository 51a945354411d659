"""How good a model is on the validation pictures, run as the agent runs it, and which threshold suits it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.model import Detector, ModelCard
from edge.picture_file import read_picture
from edge.training.finetune.examples import Labelled
from edge.training.thumbs_score import FLOOR, ThumbsScore, rank
from hub.event import Detection

LOWEST, HIGHEST = 0.05, 0.95
WORTH_IT = 0.01


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model is worth.

    Attributes:
        quality: AP50, the mean over classes; of a classifier the share of pictures named rightly.
        ranked: Every detection as (confidence, is true).
        true: How many there were to find.
    """

    quality: float
    ranked: tuple[tuple[float, bool], ...]
    true: int

    def choose_threshold(self, old: float) -> float:
        """Return the old threshold, unless F1 is higher at another one by more than a hundredth.

        Pictures like those that were learnt from are found too surely to say how far it could go up.
        """
        new = self._best_threshold()
        return new if self.f1(new) > self.f1(old) + WORTH_IT else old

    def f1(self, threshold: float) -> float:
        """Return F1 of what has so much confidence."""
        told = [is_true for confidence, is_true in self.ranked if confidence >= threshold]
        return 2 * sum(told) / max(len(told) + self.true, 1)

    def _best_threshold(self) -> float:
        """Return where F1 is highest: in the middle between the last detection that counts and the next."""
        ordered = sorted(self.ranked, reverse=True)
        confidences = [confidence for confidence, _ in ordered] + [0.0]
        hits, best = 0, (0.0, 0.0, 0.5)
        for count, (confidence, is_true) in enumerate(ordered, 1):
            hits += is_true
            gap = confidence - confidences[count]
            best = max(best, (2 * hits / (count + self.true), gap, confidence - gap / 2))
        return round(min(max(best[2], LOWEST), HIGHEST), 2)

    def at(self, threshold: float) -> tuple[float, float]:
        """Return precision and recall of what has so much confidence; 1 where there is nothing to count."""
        told = [is_true for confidence, is_true in self.ranked if confidence >= threshold]
        return sum(told) / len(told) if told else 1.0, sum(told) / self.true if self.true else 1.0


def judge(network: Any, card: ModelCard, pictures: Sequence[Labelled]) -> Judgement:
    """Judge OpenVINO's model of a card on pictures.

    Raises:
        ConfigError: The network does not fit the card.
        PictureError, OSError: A picture cannot be read.
    """
    if card.kind == "classification":
        return _judge_names(network, card, pictures)
    open_card = card.model_copy(update={"threshold": FLOOR, "thresholds": {}})
    found = _look(network, open_card, pictures)
    scores = [_rank_label(label, found, pictures) for label in card.labels]
    averages = [score.average_precision for score in scores if score.thumbs]
    return Judgement(
        sum(averages) / len(averages) if averages else 0.0,
        tuple(one for score in scores for one in score.ranked),
        sum(score.thumbs for score in scores),
    )


def _look(network: Any, card: ModelCard, pictures: Sequence[Labelled]) -> list[tuple[Detection, ...]]:
    detector = Detector(Path("model"), card=card, network=network)
    return [detector.detect(read_picture(one.path)) for one in pictures]


def _rank_label(
    label: str, found: Sequence[tuple[Detection, ...]], pictures: Sequence[Labelled]
) -> ThumbsScore:
    ranked: list[tuple[float, bool]] = []
    true = 0
    for detections, one in zip(found, pictures, strict=True):
        boxes = [box for name, box in one.boxes if name == label]
        ranked += rank([seen for seen in detections if seen.label == label], boxes)
        true += len(boxes)
    return ThumbsScore(ranked, true, Counter(), Counter())


def _judge_names(network: Any, card: ModelCard, pictures: Sequence[Labelled]) -> Judgement:
    open_card = card.model_copy(update={"threshold": 0.0, "thresholds": {}, "ignore": (), "top_k": 1})
    found = _look(network, open_card, pictures)
    best = [(detections[0].label, detections[0].confidence) for detections in found]
    told = [label in card.ignore for label, _ in best]
    wanted = [one.label if one.label not in card.ignore else None for one in pictures]
    right = [
        label == want or (silent and want is None)
        for (label, _), silent, want in zip(best, told, wanted, strict=True)
    ]
    ranked = [
        (confidence, hit)
        for (_, confidence), hit, silent in zip(best, right, told, strict=True)
        if not silent
    ]
    return Judgement(sum(right) / len(right), tuple(ranked), sum(want is not None for want in wanted))
