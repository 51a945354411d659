"""The fonts that pictures are drawn with."""

from __future__ import annotations

import pytest

from edge.training.fonts import HELD_OUT, PRINTED, WRITTEN, find_fonts
from hub.errors import ConfigError


def test_fonts_say_what_to_install_when_they_are_missing():
    with pytest.raises(ConfigError, match=r"apt-get install fonts-one fonts-two"):
        find_fonts({"one": ("nowhere/*.ttf",), "two": ("nowhere/*.otf",)})


def test_fonts_held_out_are_of_families_that_are_not_trained_on():
    assert set(HELD_OUT).isdisjoint({*PRINTED, *WRITTEN})
