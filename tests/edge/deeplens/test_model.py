"""awscam.Model on real networks, with pictures as functions give them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.deeplens.model import Model
from edge.runtime import load_openvino


def save_sums(path: Path, channels: int) -> None:
    """Save a network that takes [1,channels,2,2] and gives the mean of each channel."""
    ov = load_openvino()
    op = ov.opset13
    picture = op.parameter([1, channels, 2, 2], np.float32, name="data")
    result = op.reduce_mean(picture, op.constant([2, 3]), False)
    result.output(0).set_names({"sums"})
    ov.save_model(ov.Model([result], [picture]), path, compress_to_fp16=False)


@pytest.fixture
def told():
    return []


@pytest.fixture
def model(models, told):
    path = models / "ssd" / "mxnet_deploy_ssd_FP16_FUSED.xml"
    return Model(path, gpu=False, say=told.append, say_once=lambda kind, text: told.append(f"{kind}: {text}"))


def test_model_gives_its_outputs_by_name(model, told):
    outputs = model.infer(np.zeros((300, 300, 3), np.uint8))
    assert [(name, array.shape) for name, array in outputs.items()] == [("detection_out", (1, 1, 3, 7))]
    assert told == ["inference"]


def test_model_parses_corners_in_pixels_of_the_picture_given(model, told):
    outputs = model.infer(np.zeros((500, 1000, 3), np.uint8))
    best = model.parse("ssd", outputs)["ssd"][0]
    assert (best["label"], best["xmin"], best["ymax"]) == (1, pytest.approx(100), pytest.approx(200))
    assert "the function gives 1000 x 500: resized" in told[0]


@pytest.mark.parametrize("shape", [(300, 300), (300, 300, 1), (1, 300, 300, 3), (1, 3, 300, 300), (7, 3, 3)])
def test_model_takes_pictures_of_many_shapes(model, shape):
    assert "detection_out" in model.infer(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0, 300, 3), (300,), (300, 300, 4), (2, 3, 300, 300)])
def test_model_refuses_what_is_no_picture(model, shape):
    with pytest.raises(ValueError, match="takes a picture"):
        model.infer(np.zeros(shape, np.uint8))


def test_model_normalises_as_the_card_beside_it_says(tmp_path, told):
    save_sums(tmp_path / "model.xml", channels=3)
    (tmp_path / "model.toml").write_text('colours = "rgb"\nmean = [1, 2, 3]\nscale = [2]\n')
    model = Model(tmp_path / "model.xml", gpu=False, say=told.append, say_once=lambda *_: None)
    picture = np.full((2, 2, 3), (5, 6, 7), np.uint8)  # blue, green, red
    assert model.infer(picture)["sums"].ravel().tolist() == [(7 - 1) / 2, (6 - 2) / 2, (5 - 3) / 2]


def test_model_that_takes_grey_gets_grey(tmp_path, told):
    save_sums(tmp_path / "model.xml", channels=1)
    model = Model(tmp_path / "model.xml", gpu=False, say=told.append, say_once=lambda *_: None)
    assert model.infer(np.full((2, 2, 3), 9, np.uint8))["sums"].ravel().tolist() == [pytest.approx(9)]


def test_model_names_the_kinds_it_knows(model):
    with pytest.raises(ValueError, match="known: classification, ssd, segmentation"):
        model.parse("yolo", {})


def test_model_says_when_there_is_no_gpu(models, told):
    if "GPU" in load_openvino().Core().available_devices:
        pytest.skip("this machine has a GPU")
    Model(models / "squeezenet.xml", gpu=True, say=told.append, say_once=lambda kind, text: told.append(text))
    assert "runs on the CPU" in told[0]
