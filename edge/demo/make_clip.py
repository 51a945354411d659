"""Makes the demo clip and its ground truth: `python -m edge.demo.make_clip --seed 2018 --out thumbs.webm`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.demo.scene import make_scene
from edge.demo.video import FPS, write_clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hub.event import Box

SCENE_FRAMES = 15
SEED = 2018
# (thumbs up, other hands) of each scene; all else is drawn from the seed
CAST = ((1, 1), (0, 2), (1, 2), (2, 0), (1, 1), (0, 3), (2, 1), (1, 2))


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """One frame of the clip, (360, 640, 3) uint8 BGR, with the truth about it."""

    pixels: NDArray[np.uint8]
    thumbs_up: tuple[Box, ...]
    others: tuple[str, ...]


def draw_clip(seed: int) -> Iterator[ClipFrame]:
    """Yield the frames of the clip of a seed, in order."""
    rng = np.random.default_rng(seed)
    first_kind = int(rng.integers(4))
    for number, (thumbs, others) in enumerate(CAST):
        scene = make_scene(rng, first_kind + number, thumbs, others)
        names = tuple(sorted(hand.name for hand in scene.hands if hand.name != "thumbs-up"))
        for index in range(SCENE_FRAMES):
            second = index / FPS
            boxes = tuple(hand.placed(second)[1] for hand in scene.hands if hand.name == "thumbs-up")
            yield ClipFrame(scene.picture(second, rng), boxes, names)


def _tell_truth(frame: ClipFrame) -> dict[str, Any]:
    boxes = [{key: round(value, 5) for key, value in box} for box in frame.thumbs_up]
    return {"thumbs_up": boxes, "others": frame.others}


def main() -> None:
    """Read the command line and write the clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("thumbs.webm"))
    options = parser.parse_args()
    frames = ((frame.pixels, _tell_truth(frame)) for frame in draw_clip(options.seed))
    write_clip(options.out, options.seed, frames)


if __name__ == "__main__":
    main()
