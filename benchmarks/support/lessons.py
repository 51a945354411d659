"""Trains the shipped detector on chosen frames, and measures what it has learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from support.stream import Look

from edge.model import SHIPPED, Detector, read_card
from edge.training.finetune.augment import Changes
from edge.training.finetune.examples import Example
from edge.training.finetune.judging import Judgement
from edge.training.finetune.kinds import TASKS
from edge.training.finetune.learning import Plan, learn
from edge.training.finetune.reading import read_graph
from edge.training.thumbs_score import FLOOR, ThumbsScore, rank
from hub.event import Box

SOURCE = SHIPPED / "thumbs-up"
CARD = read_card(SOURCE)
TASK = TASKS["ssd"]
GRAPH = read_graph(SOURCE / "model.xml", TASK.find_outputs)


class _Chosen:
    """Frames as `learn` reads them."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._looks = looks

    def __len__(self) -> int:
        return len(self._looks)

    def read(self, index: int) -> Example:
        return self._looks[index].example


def teach(chosen: Sequence[Look], plan: Plan):
    """Return OpenVINO's model after the last step; no picture decides when to stop."""
    turn = iter(range(plan.steps + 2))

    def judge(_) -> Judgement:
        return Judgement(float(next(turn)), (), 0)  # the later, the better

    learnt = learn(GRAPH, TASK, _Chosen(chosen), CARD, plan, Changes(mirror=True), judge, lambda *_: None)
    return GRAPH.network(learnt.weights)


def measure(network, held_out: Sequence[Look]) -> dict[str, float]:
    """Return AP50 on all held-out frames, and on the dark ones alone."""
    card = CARD.model_copy(update={"threshold": FLOOR})
    detector = Detector(Path("trained"), card=card, network=network)
    ranked = [
        (look.is_dark, rank(detector.detect(look.example.pixels), _boxes(look)), len(look.example.boxes))
        for look in held_out
    ]
    return {"all": _average(ranked), "dark": _average([one for one in ranked if one[0]])}


def _boxes(look: Look) -> list[Box]:
    height, width = look.example.pixels.shape[:2]
    return [
        Box.from_corners(a / width, b / height, c / width, d / height)
        for a, b, c, d in look.example.boxes.tolist()
    ]


def _average(rows) -> float:
    ranked = [one for _, found, _ in rows for one in found]
    return ThumbsScore(ranked, sum(count for _, _, count in rows), Counter(), Counter()).average_precision
