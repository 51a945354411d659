"""The glyphs that training pictures are made of, and scenes without any character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.training.characters import OTHERS, VOWELS
from edge.training.fonts import PRINTED, WRITTEN, draw_glyph, find_fonts
from edge.training.pictures import draw_sample
from edge.training.stage import GLYPH_SIDE, SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCENES = 1500
Glyphs = dict[str, list[list["NDArray[np.uint8]"]]]  # of each character: a list for each family


@dataclass(frozen=True, eq=False)
class Alphabet:
    """The glyphs (96, 96) of all characters, and (n, 64, 64) scenes without one."""

    printed: Glyphs
    written: Glyphs
    scenes: NDArray[np.uint8]

    def choose(self, rng: np.random.Generator, character: str) -> NDArray[np.uint8]:
        """Draw a glyph: half of them written by hand, each family as often as any other."""
        hands = (self.printed, self.written)[int(rng.random() < 0.5)][character] or self.printed[character]
        family = hands[rng.integers(len(hands))]
        return family[rng.integers(len(family))]


def make_alphabet(rng: np.random.Generator, scenes: int = SCENES) -> Alphabet:
    """Draw all glyphs of the training fonts, and scenes of hands and things.

    Raises:
        ConfigError: Fonts are missing.
    """
    pictures = [draw_sample(rng).pixels for _ in range(scenes)]
    grey = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in pictures]
    small = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in grey]
    return Alphabet(_draw_glyphs(PRINTED), _draw_glyphs(WRITTEN), np.array(small, np.uint8))


def _draw_glyphs(families: Mapping[str, tuple[str, ...]]) -> Glyphs:
    fonts = find_fonts(families).values()
    drawn = {
        character: [[draw_glyph(path, character, GLYPH_SIDE) for path in paths] for paths in fonts]
        for character in VOWELS + OTHERS
    }
    return {
        character: [kept for family in rows if (kept := [one for one in family if one is not None])]
        for character, rows in drawn.items()
    }
