"""Makes the demo clip and its ground truth: `python -m edge.demo.make_clip --seed 2018 --out thumbs.webm`."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.demo.scene import HEIGHT, WIDTH, make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hub.event import Box

FPS = 10
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


def write_clip(seed: int, path: Path) -> None:
    """Write the clip of a seed (VP8 in WebM) to `path`, and its ground truth beside it as .json.

    Raises:
        OSError: OpenCV cannot write the video there.
    """
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise OSError(f"{path}: OpenCV cannot write a VP8 video here")
    truth = []
    for number, frame in enumerate(draw_clip(seed)):
        writer.write(frame.pixels)
        boxes = [{key: round(value, 5) for key, value in box} for box in frame.thumbs_up]
        truth.append({"frame": number, "thumbs_up": boxes, "others": frame.others})
    writer.release()
    head = {"clip": path.name, "seed": seed, "width": WIDTH, "height": HEIGHT, "fps": FPS}
    lines = ",\n".join(json.dumps(entry) for entry in truth)
    path.with_suffix(".json").write_text(f'{json.dumps(head)[:-1]}, "frames": [\n{lines}\n]}}\n')


def main() -> None:
    """Read the command line and write the clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("thumbs.webm"))
    options = parser.parse_args()
    write_clip(options.seed, options.out)


if __name__ == "__main__":
    main()
