"""Has models look at pictures, in turns, with the agent's own code."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.evaluation.exam import EvaluationError, Exam, Scene
from edge.model import SHIPPED, Detector, read_card, shipped_models
from edge.model_card import ModelCard
from edge.picture_file import read_picture
from hub.draw.picture import PictureError
from hub.errors import ConfigError
from hub.event import MAX_DETECTIONS, Detection

FLOOR = 0.001
"""Boxes with less confidence change no figure (as in Ultralytics' and Detectron2's evaluations, about)."""
Found = tuple[Detection, ...]
Entrant = tuple[ModelCard, Detector]
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Looked:
    """What models found, a row a picture and in it an entry a model, best first.

    Attributes:
        seconds: What each model took for each picture, without reading it from the disk.
        left_out: Pictures that could not be read, and why.
    """

    scenes: list[Scene] = field(default_factory=list)
    found: list[tuple[Found, ...]] = field(default_factory=list)
    seconds: list[tuple[float, ...]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def find_model(name: str) -> Path:
    """Return the folder that a path, or the name of a shipped model, means.

    Raises:
        ConfigError: There is none.
    """
    folder, shipped = Path(name), [path.name for path in shipped_models()]
    if name in shipped and not (folder / "model.toml").exists():
        return SHIPPED / name
    if folder.is_dir():
        return folder
    raise ConfigError(
        f"{name}: is no model folder, and no shipped model has this name ({', '.join(shipped)})"
    )


def open_model(folder: Path) -> Entrant:
    """Return a model's card, and the model telling also what is below the card's thresholds.

    Raises:
        ConfigError: It is no model.
    """
    card = read_card(folder)
    open_to: dict[str, object] = {"threshold": FLOOR, "thresholds": {}}
    if card.kind == "classification":
        open_to = {"threshold": 0.0, "thresholds": {}, "top_k": MAX_DETECTIONS}
    return card, Detector(folder, card=card.model_copy(update=open_to))


def look(exam: Exam, detectors: Sequence[Detector], tell: Tell) -> Looked:
    """Have every model look at every picture; who goes first alternates, so that times can be compared.

    Raises:
        EvaluationError: No picture can be read.
    """
    looked = Looked()
    for done, scene in enumerate(exam.scenes):
        tell(done, len(exam.scenes))
        try:
            _look_at(scene, exam, detectors, looked)
        except PictureError as error:
            looked.left_out.append((scene.name, str(error)))
        except OSError as error:
            looked.left_out.append((scene.name, error.strerror or str(error)))
    tell(len(exam.scenes), len(exam.scenes))
    if not looked.scenes:
        raise EvaluationError(f"no picture can be read: {': '.join(looked.left_out[0])}")
    return looked


def _look_at(scene: Scene, exam: Exam, detectors: Sequence[Detector], looked: Looked) -> None:
    pixels = read_picture(scene.path)
    height, width = pixels.shape[:2]
    if scene.size != (width, height) and any(truth.box for truth in scene.truths):
        raise PictureError(
            f"is {width} x {height} upright, and its boxes are of {scene.size[0]} x {scene.size[1]}"
        )
    if not looked.scenes:
        for detector in detectors:
            detector.detect(pixels)  # the first look is slower
    found: dict[int, Found] = {}
    seconds: dict[int, float] = {}
    order = range(len(detectors))
    for turn in order if len(looked.scenes) % 2 == 0 else reversed(order):
        began = time.perf_counter()
        seen = detectors[turn].detect(pixels)
        seconds[turn] = time.perf_counter() - began
        found[turn] = tuple(one for one in seen if one.label in exam.counted)
    looked.scenes.append(scene)
    looked.found.append(tuple(found[turn] for turn in order))
    looked.seconds.append(tuple(seconds[turn] for turn in order))
