"""Measures the text gate on fonts and backgrounds that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.demo.backdrops import BACKDROPS
from edge.runtime import load_openvino
from edge.training.scenes import SIDE
from edge.training.scripts import HELD_OUT, Scripts
from edge.training.signs import Sign, draw_sign

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 4711
NONE = "no text"


@dataclass(frozen=True, slots=True)
class Scored:
    """A picture's score, the script of its text or `no text`, and what is behind it."""

    score: float
    script: str
    backdrop: str


def paint_backdrop(rng: np.random.Generator, number: int) -> NDArray[np.uint8]:
    """Paint one of the demo clip's backgrounds, which no training picture has."""
    return np.asarray(np.clip(BACKDROPS[number](rng, SIDE, SIDE), 0, 255), np.uint8)


def draw_held_out(rng: np.random.Generator, scripts: Scripts, count: int) -> Iterator[tuple[Sign, str]]:
    """Yield pictures, each second one with text, each with the name of its background."""
    for number in range(count):
        chosen = int(rng.integers(len(BACKDROPS)))
        name = BACKDROPS[chosen].__name__.removeprefix("paint_")
        paint = partial(paint_backdrop, number=chosen)
        yield draw_sign(rng, scripts, paint, has_text=number % 2 == 0), name


def open_gate(path: Path) -> Callable[[NDArray[np.uint8]], float]:
    """Return a function from (224, 224, 3) uint8 BGR to the score."""
    openvino = load_openvino()
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled: Any = openvino.Core().compile_model(path, "CPU", options)

    def score(pixels: NDArray[np.uint8]) -> float:
        values = pixels[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
        return float(compiled(values)[0][0, 0])

    return score


def score_gate(path: Path, count: int, seed: int = SEED) -> list[Scored]:
    """Score so many fresh pictures."""
    score, rng = open_gate(path), np.random.default_rng(seed)
    signs = draw_held_out(rng, Scripts(HELD_OUT), count)
    return [Scored(score(sign.pixels), sign.script or NONE, name) for sign, name in signs]


def shares(scored: list[Scored], threshold: float) -> tuple[float, float]:
    """Return (recall, false positives as a share of those without text)."""
    text = [one.score >= threshold for one in scored if one.script != NONE]
    none = [one.score >= threshold for one in scored if one.script == NONE]
    return sum(text) / len(text), sum(none) / len(none)


def choose_threshold(scored: list[Scored], recall: float) -> float:
    """Return the highest threshold, of two digits, that keeps the recall."""
    for step in range(99, 0, -1):
        if shares(scored, step / 100)[0] >= recall:
            return step / 100
    return 0.0


def rows(scored: list[Scored], threshold: float) -> Iterator[str]:
    """Yield the table: by script and by background."""
    yield "| | pictures | sent |"
    yield "|---|---|---|"
    for name in sorted({one.script for one in scored}):
        sent = [one.score >= threshold for one in scored if one.script == name]
        yield f"| {name} | {len(sent)} | {sum(sent) / len(sent):.3f} |"
    for name in sorted({one.backdrop for one in scored}):
        there = [one for one in scored if one.backdrop == name]
        recall, false = shares(there, threshold)
        yield f"| behind it {name} | {len(there)} | {recall:.3f} of text, {false:.3f} of no text |"
