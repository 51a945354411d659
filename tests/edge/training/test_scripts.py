"""The scripts and fonts that the text gate is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from edge.training.scripts import HELD_OUT, LETTERS, TRAINED, Family, Scripts, make_word
from hub.errors import ConfigError


def test_fonts_held_out_are_files_that_are_not_trained_on():
    trained = {(family.package, pattern) for family in TRAINED for pattern in family.patterns}
    held_out = {(family.package, pattern) for family in HELD_OUT for pattern in family.patterns}
    assert trained.isdisjoint(held_out)
    packages = {family.package for family in TRAINED} & {family.package for family in HELD_OUT}
    assert packages == {"noto-core"}  # whose Sans is trained on and whose Serif is kept out


def test_each_script_is_both_trained_on_and_held_out():
    for families in (TRAINED, HELD_OUT):
        assert {script for family in families for script in family.scripts} == set(LETTERS)


@pytest.mark.parametrize("script", LETTERS)
def test_word_has_letters_of_its_script_only(script):
    word = make_word(np.random.default_rng(1), script, 7)
    assert set(word.lower()) <= set(LETTERS[script].lower())
    assert len(word) == 7


def test_scripts_say_what_to_install_when_fonts_are_missing():
    with pytest.raises(ConfigError, match="apt-get install fonts-none"):
        Scripts([Family("none", ("nowhere/*.ttf",), ("latin",))])
