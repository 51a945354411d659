"""Makes the hiragana clip and its ground truth: `python -m edge.demo.make_hiragana_clip --seed 4`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.demo.cards import FONTS, make_card_scene
from edge.demo.video import FPS, write_clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SCENE_FRAMES = 10
SEED = 4
CAST = ("あ", "い", "う", "え", "お", "", "お", "え", "か", "い", "あ", "う")  # か is none of the model's


@dataclass(frozen=True, eq=False)
class CardFrame:
    """One frame, (360, 640, 3) uint8 BGR: the character on it, if any, and whether it is in it as a whole."""

    pixels: NDArray[np.uint8]
    shows: str
    whole: bool
    font: str


def draw_hiragana_clip(seed: int) -> Iterator[CardFrame]:
    """Yield the frames of the clip of a seed, in order."""
    rng = np.random.default_rng(seed)
    first = int(rng.integers(len(FONTS)))
    for number, character in enumerate(CAST):
        font = FONTS[(first + number + number // len(FONTS)) % len(FONTS)]
        scene = make_card_scene(rng, number + number // len(FONTS), font, character)
        for index in range(SCENE_FRAMES):
            second = index / FPS
            yield CardFrame(scene.picture(second, rng), character, scene.is_whole(second), Path(font).stem)


def main() -> None:
    """Read the command line and write the clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("hiragana.webm"))
    options = parser.parse_args()
    frames = draw_hiragana_clip(options.seed)
    truth = ((f.pixels, {"shows": f.shows, "whole": f.whole, "font": f.font}) for f in frames)
    write_clip(options.out, options.seed, truth)


if __name__ == "__main__":
    main()
