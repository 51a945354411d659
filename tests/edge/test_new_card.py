"""Cards that are guessed from a network, and written."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest

from edge.model_card import ModelCard
from edge.network import read_network
from edge.new_card import guess_card, write_card
from edge.runtime import load_openvino
from hub.errors import ConfigError


def network(taken: list[Any], *given: list[int], value: float = 0.5) -> Any:
    """Return a network that takes a shape and gives arrays of others."""
    opset = load_openvino().opset13
    image = opset.parameter(taken, np.float32)
    zero = opset.multiply(opset.reduce_mean(image, list(range(len(taken)))), np.float32(0))
    outs = [opset.add(opset.constant(np.full(shape, value, np.float32)), zero) for shape in given]
    return load_openvino().Model(outs, [image])


@pytest.mark.parametrize(
    ("taken", "given", "wanted"),
    [
        ([1, 3, 8, 16], [[1, 1, 5, 7]], ("ssd", 16, 8, "rgb", "nchw")),
        ([1, 8, 16, 3], [[1, 5, 6]], ("ssd", 16, 8, "rgb", "nhwc")),
        ([1, 1, 8, 8], [[1, 6]], ("classification", 8, 8, "grey", "nchw")),
        ([-1, 3, 8, 8], [[1, 1000]], ("classification", 8, 8, "rgb", "nchw")),
        ([1, 3, 8, 8], [[1, 4, 8, 8]], ("segmentation", 8, 8, "rgb", "nchw")),
        ([1, 3, 8, 8], [[1, 8, 4], [1, 8], [1, 8]], ("ssd", 8, 8, "rgb", "nchw")),
    ],
)
def test_kind_and_input_are_guessed_from_shapes(taken, given, wanted):
    card = guess_card("m", network(taken, *given), labels=("a", "b"))
    assert (card.kind, card.width, card.height, card.colours, card.layout) == wanted


def test_classes_are_numbered_when_there_are_no_labels():
    card = guess_card("m", network([1, 3, 8, 8], [1, 3], value=1 / 3), labels=None)
    assert (card.labels, card.scores) == (("class 0", "class 1", "class 2"), "probabilities")


@pytest.mark.parametrize(("value", "scores"), [(0.25, "probabilities"), (0.5, "logits"), (-3, "logits")])
def test_scores_are_guessed_from_what_comes_out(value, scores):
    assert guess_card("m", network([1, 3, 8, 8], [1, 4], value=value), labels=None).scores == scores


@pytest.mark.parametrize(
    ("taken", "given", "words"),
    [
        ([1, 3, -1, -1], [1, 3], r"m: takes \[1,3,\?,\?\], which does not tell the picture's size"),
        ([1, 100], [1, 3], r"m: takes \[1,100\]"),
        ([1, 3, 8, 8], [2, 2, 2, 2, 2], r"gives \[2,2,2,2,2\], which is of no known kind \(known: ssd, "),
        ([1, 3, 8, 8], [1, 5, 6], r"how many labels it has cannot be seen; give --labels FILE"),
    ],
)
def test_card_is_not_guessed_when_shapes_do_not_tell(taken, given, words):
    with pytest.raises(ConfigError, match=words):
        guess_card("m", network(taken, given), labels=None)


def test_card_is_guessed_of_onnx(tmp_path, save_onnx):
    card = guess_card("m", read_network(save_onnx(tmp_path / "m.onnx")), labels=("a", "b", "c"))
    assert (card.kind, card.scores, card.labels) == ("classification", "logits", ("a", "b", "c"))


def test_card_is_the_same_when_it_is_written_and_read(tmp_path):
    card = ModelCard.model_validate(
        {"name": 'a "b" \\ あ', "version": "1", "kind": "ssd", "width": 8, "height": 9, "labels": ["x", "y"]}
        | {"classes": {"7": "z"}, "thresholds": {"x": 0.25}, "outputs": {"boxes": "b:0"}, "nms": 0.5}
        | {"mean": [1, 2.5, 3], "ignore": ["y"]}
    )
    write_card(card, tmp_path / "model.toml")
    assert ModelCard.model_validate(tomllib.loads((tmp_path / "model.toml").read_text())) == card
