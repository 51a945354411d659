"""Makes the clip of `lenshub demo --retrain`: `python -m edge.demo.make_dusk_clip --out dusk.webm`.

The same hands and backgrounds as in the demo's clip, before a camera that has hardly any light: forty scenes,
four frames of each. The camera's own noise is added when it is played: noise does not compress.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.demo.make_clip import CAST
from edge.demo.scene import make_scene
from edge.demo.video import write_clip

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCENES, SCENE_FRAMES, STEP_S = 40, 4, 0.4
LIGHT = (0.24, 0.20, 0.16)  # of blue, green and red: what is left of a picture by day
BLUR = 1.2
SEED = 6


def draw_dusk(seed: int) -> Iterator[tuple[NDArray[np.uint8], dict[str, Any]]]:
    """Yield frames, (360, 640, 3) uint8 BGR, with the truth about each."""
    rng = np.random.default_rng(seed)
    for number in range(SCENES):
        scene = replace(make_scene(rng, int(rng.integers(4)), *CAST[number % len(CAST)]), noise=0.0)
        for index in range(SCENE_FRAMES):
            second = index * STEP_S
            day = cv2.GaussianBlur(scene.picture(second, rng), (0, 0), BLUR)
            boxes = [hand.placed(second)[1] for hand in scene.hands if hand.name == "thumbs-up"]
            told = [{key: round(value, 5) for key, value in box} for box in boxes]
            pixels = (day * np.array(LIGHT, np.float32)).round().astype(np.uint8)
            yield pixels, {"scene": number, "thumbs_up": told}


def main() -> None:
    """Read the command line and write the clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("dusk.webm"))
    options = parser.parse_args()
    write_clip(options.out, options.seed, draw_dusk(options.seed))


if __name__ == "__main__":
    main()
