"""What the network is given of a frame: channels, layout, mean and scale, as the card says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.inference import Inference
from edge.model_card import ModelCard
from edge.model_input import as_bgr, echo, take_pictures
from edge.network import compile_network, read_network
from hub.draw.letterbox import BORDER_GREY, Letterbox

FIXED = {"name": "m", "version": "1", "kind": "classification", "labels": ["a"], "width": 24, "height": 16}
NOISE = np.random.default_rng(3).integers(0, 256, (16, 24, 3), np.uint8)


def give(frame: Any, **settings: Any) -> Any:
    """Return the values that a network with such a card gets of a frame, without the first axis."""
    card = ModelCard.model_validate(FIXED | settings)
    steps = Inference(compile_network(take_pictures(echo(card), card), "CPU"))
    steps.fit(frame)
    return steps.run()[0][0].copy()


@pytest.mark.parametrize(
    ("colours", "wanted"), [("bgr", NOISE), ("rgb", NOISE[:, :, ::-1])], ids=["bgr", "rgb"]
)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_network_is_given_the_channels_in_the_order_of_the_card(colours, wanted, layout):
    values = give(NOISE, colours=colours, layout=layout)
    assert values.dtype == np.float32
    assert (values == (wanted.transpose(2, 0, 1) if layout == "nchw" else wanted)).all()


@pytest.mark.parametrize(("layout", "shape"), [("nchw", (1, 16, 24)), ("nhwc", (16, 24, 1))])
def test_network_is_given_one_channel_when_the_card_says_grey(layout, shape):
    values = give(NOISE, colours="grey", layout=layout)
    assert values.shape == shape
    assert values.reshape(16, 24) == pytest.approx(cv2.cvtColor(NOISE, cv2.COLOR_BGR2GRAY), abs=0.6)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_network_is_given_values_less_their_mean_and_by_their_scale(layout):
    values = give(NOISE, colours="bgr", layout=layout, mean=(1, 2, 3), scale=(2, 4, 8))
    wanted = (NOISE - np.array([1.0, 2.0, 3.0])) / np.array([2.0, 4.0, 8.0])
    assert values == pytest.approx(wanted.transpose(2, 0, 1) if layout == "nchw" else wanted, rel=1e-6)


def test_network_is_given_one_mean_and_one_scale_for_all_channels():
    values = give(NOISE, colours="bgr", layout="nhwc", mean=(127.5,), scale=(127.5,))
    assert values == pytest.approx(NOISE / 127.5 - 1, abs=1e-6)


def test_picture_has_clean_bars_when_frames_change_their_shape():
    card = ModelCard.model_validate(FIXED | {"layout": "nhwc", "colours": "bgr"})
    steps = Inference(compile_network(take_pictures(echo(card), card), "CPU"))
    for size in ((16, 16), (10, 40), (40, 10), (16, 24)):
        frame = np.full((*size, 3), 200, np.uint8)
        fit = steps.fit(frame)
        assert fit == Letterbox.fit(size[1], size[0], 24, 16)
        values = steps.run()[0][0]
        assert np.count_nonzero(values == 200) == fit.inner_width * fit.inner_height * 3
        assert np.count_nonzero(values == BORDER_GREY) == values.size - np.count_nonzero(values == 200)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_frame_becomes_blue_green_red_whatever_its_channels(shape):
    assert as_bgr(np.full(shape, 9, np.uint8)).tolist() == np.full((5, 7, 3), 9).tolist()


def test_network_keeps_the_names_of_its_outputs(save_onnx, tmp_path: Path):
    network = read_network(save_onnx(tmp_path / "net.onnx"))
    card = ModelCard.model_validate(FIXED | {"width": 16})
    assert [port.names for port in take_pictures(network.clone(), card).outputs] == [{"y"}]
