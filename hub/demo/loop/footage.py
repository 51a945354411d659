"""What the loop's camera sees: the shipped clip of a place with hardly any light, and its own noise."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.playback import play
from hub.dataset.box import Box as PixelBox
from hub.dataset.convert import Target, write_target
from hub.dataset.reading import silent
from hub.dataset.sample import Dataset, Object, Sample
from hub.demo.clips import EDGE
from hub.draw.picture import encode_jpeg
from hub.event import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIP = EDGE / "demo" / "dusk.webm"
LABEL = "thumbs-up"
NOISE = 10.0  # standard deviation in grey levels, of pictures whose mean is about 25
HELD_OUT_SCENES = 12  # the last ones, of forty


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A frame, (360, 640, 3) uint8 BGR, the thumbs up that are in it, and the number of its scene."""

    pixels: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    scene: int


@dataclass(frozen=True, slots=True)
class Footage:
    """What may be learnt from, and what nothing is learnt from: other scenes."""

    shown: tuple[Moment, ...]
    held_out: tuple[Moment, ...]


def read_footage(seed: int = 1) -> Footage:
    """Read the shipped clip, with the noise of a seed."""
    truth = json.loads(CLIP.with_suffix(".json").read_text(encoding="utf-8"))["frames"]
    rng = np.random.default_rng(seed)
    moments = []
    for shot, entry in zip(play(CLIP, 1, 1, threading.Event(), pace=False), truth, strict=True):
        grain = rng.normal(0, NOISE, shot.pixels.shape[:2])[:, :, None]
        pixels = np.clip(shot.pixels + grain, 0, 255).astype(np.uint8)
        moments.append(Moment(pixels, tuple(Box(**box) for box in entry["thumbs_up"]), entry["scene"]))
    first = moments[-1].scene + 1 - HELD_OUT_SCENES
    return Footage(
        tuple(one for one in moments if one.scene < first),
        tuple(one for one in moments if one.scene >= first),
    )


def write_pictures(moments: Sequence[Moment], folder: Path) -> list[Path]:
    """Write moments as JPEGs in a new folder that the agent plays in the same order; return their paths."""
    folder.mkdir()
    paths = [folder / f"{number:04}.jpg" for number in range(len(moments))]
    for path, moment in zip(paths, moments, strict=True):
        path.write_bytes(encode_jpeg(moment.pixels))
    return paths


def write_exam(moments: Sequence[Moment], pictures: Sequence[Path], folder: Path) -> None:
    """Write a COCO set of moments with what is true of them, all in the split `test`."""
    samples = [
        Sample(path.name, path, one.pixels.shape[1], one.pixels.shape[0], 3, _objects(one), "test")
        for path, one in zip(pictures, moments, strict=True)
    ]
    write_target(Dataset((LABEL,), tuple(samples)), Target(folder, "coco"), silent, {})


def _objects(moment: Moment) -> tuple[Object, ...]:
    height, width = moment.pixels.shape[:2]
    corners = [box.corners_in(width, height) for box in moment.boxes]
    return tuple(Object(LABEL, PixelBox.from_corners(*one)) for one in corners)
