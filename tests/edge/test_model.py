"""Models: the card, what is refused, and how boxes come back."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import TensorProto

from edge.config import DEFAULT_MODEL
from edge.demo.glyphs import THUMBS_UP, cut_glyph
from edge.model import Detector, read_card, shipped_models
from edge.runtime import load_openvino
from hub.errors import ConfigError

CARD = (DEFAULT_MODEL / "model.toml").read_text()


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(DEFAULT_MODEL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))


def save_network(folder: Path, make: str) -> None:
    """Write a network in place of the model's: `make` says what comes out of its input."""
    opset = load_openvino().opset13
    image = opset.parameter([1, 3, 192, 192], np.float32)
    rows = {
        "nan": np.full((1, 2, 6), np.nan, np.float32),
        "strange": np.array([[[7, 1, 0, 0, 1, 1], [0, 9, 0, 0, 1, 1], [0, 1, 1, 1, 0, 0]]], np.float32),
        "flat": np.zeros((1, 20), np.float32),
    }[make]
    zero = opset.multiply(opset.reduce_mean(image, [0, 1, 2, 3]), np.float32(0))
    network = load_openvino().Model([opset.add(opset.constant(rows), zero)], [image])
    load_openvino().save_model(network, folder / "model.xml", compress_to_fp16=False)


def put_thumb(left: int) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Return a wide frame with a thumb, and the thumb's corners."""
    glyph = cv2.resize(cut_glyph(THUMBS_UP).pixels, None, fx=2.0, fy=2.0)
    height, width = glyph.shape[:2]
    frame = np.full((480, 1280, 3), (90, 120, 60), np.uint8)
    seen = glyph[:, :, 3:] > 127
    frame[100 : 100 + height, left : left + width][seen[:, :, 0]] = glyph[:, :, :3][seen[:, :, 0]]
    return frame, (left, 100, left + width, 100 + height)


def test_detector_finds_the_thumb_where_it_was_put_when_the_frame_is_wide(detector):
    frame, corners = put_thumb(900)
    (found,) = detector.detect(frame)
    assert (found.label, found.class_id) == ("thumbs-up", 0)
    assert found.box.corners_in(1280, 480) == pytest.approx(corners, abs=20)


def test_detector_finds_nothing_when_the_frame_is_empty(detector):
    assert detector.detect(np.zeros((1, 4000, 3), np.uint8)) == ()


def test_detector_leaves_out_rows_when_they_make_no_sense(folder):
    for make, count in (("nan", 0), ("strange", 1)):
        save_network(folder, make)
        found = Detector(folder).detect(np.zeros((360, 640, 3), np.uint8))
        assert len(found) == count
        assert all(detection.confidence == 1 for detection in found)


def test_detector_is_refused_when_the_output_has_another_shape(folder):
    save_network(folder, "flat")
    with pytest.raises(
        ConfigError, match=r"gives .* \[1,20\]; kind 'ssd' knows one output \[1,1,N,7\] or \[1,N,6\], or"
    ):
        Detector(folder)


def test_detector_is_refused_when_the_input_has_another_size(folder):
    (folder / "model.toml").write_text(CARD.replace("width = 192", "width = 300"))
    with pytest.raises(ConfigError, match=r"takes \[1,3,192,192\]; .* need one input \[1, 3, 192, 300\]"):
        Detector(folder)


@pytest.mark.parametrize("file", ["model.xml", "model.bin"])
def test_detector_is_refused_in_one_line_when_a_file_is_damaged(folder, file):
    (folder / file).write_bytes(b"damaged")
    with pytest.raises(ConfigError, match=r"model\.xml: OpenVINO cannot load it") as caught:
        Detector(folder)
    assert "\n" not in str(caught.value)


def test_detector_is_refused_when_a_file_is_missing(folder):
    (folder / "model.bin").unlink()
    with pytest.raises(ConfigError, match=r"model\.bin missing"):
        Detector(folder)


def test_card_is_refused_with_every_problem_when_it_is_wrong(folder):
    wrong = CARD.replace('kind = "ssd"', 'kind = "yolo"').replace("threshold = 0.5", "treshold = 2")
    (folder / "model.toml").write_text(wrong + "[thresholds]\nthumbs-up = 1.5\n")
    with pytest.raises(ConfigError) as caught:
        read_card(folder)
    assert [problem.split(": ")[1] for problem in caught.value.problems] == [
        "kind",
        "thresholds.thumbs-up",
        "treshold",
    ]
    assert "did you mean 'threshold'?" in caught.value.problems[2]


def test_card_is_refused_when_a_threshold_is_for_an_unknown_label(folder):
    (folder / "model.toml").write_text(CARD + "[thresholds]\nthumb = 0.5\n")
    with pytest.raises(ConfigError, match=r"unknown labels \['thumb'\] \(known: thumbs-up\)"):
        read_card(folder)


def test_card_has_a_threshold_of_its_own_when_a_label_is_given_one(folder):
    (folder / "model.toml").write_text(CARD + "[thresholds]\nthumbs-up = 0.9\n")
    assert (read_card(folder).threshold_of("thumbs-up"), read_card(folder).threshold_of("x")) == (0.9, 0.5)


@pytest.mark.parametrize("content", [None, b"name =", b"\xff"])
def test_card_is_refused_when_it_cannot_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "model.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.toml: "):
        read_card(tmp_path)


def test_shipped_models_can_all_be_loaded():
    assert [Detector(folder).model.name for folder in shipped_models()] == ["hiragana", "thumbs-up"]


def test_openvino_sends_no_statistics_when_it_is_imported():
    load_openvino()
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"


ONNX_CARD = """\
name = "m"
version = "1"
kind = "classification"
labels = ["a", "b", "c"]
scores = "logits"
width = 16
height = 16
threshold = 0
"""


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ("", {}),
        ('colours = "bgr"\nmean = [1, 2, 3]\nscale = [4]', {}),
        ('colours = "grey"', {"shape": (1, 1, 16, 16)}),
        ("", {"shape": ("n", 3, "h", "w")}),
        ("", {"kind": TensorProto.UINT8}),
    ],
)
def test_detector_runs_onnx_whatever_its_input_is_like(tmp_path, save_onnx, settings, options):
    save_onnx(tmp_path / "model.onnx", **options)
    (tmp_path / "model.toml").write_text(ONNX_CARD + settings)
    (found,) = Detector(tmp_path).detect(np.full((30, 50, 3), (10, 20, 200), np.uint8))
    assert found.label in {"a", "b", "c"}


def test_detector_gives_the_model_each_channel_less_its_mean_and_by_its_scale(tmp_path, save_onnx):
    save_onnx(tmp_path / "model.onnx")
    (tmp_path / "model.toml").write_text(ONNX_CARD + "mean = [1, 2, 3]\nscale = [2, 4, 5]")
    values = Detector(tmp_path).prepare(np.full((16, 16, 3), (13, 22, 201), np.uint8))
    assert values[0, :, 5, 5].tolist() == [100, 5, 2]


def test_detector_runs_where_openvino_thinks_best_when_the_device_is_auto(tmp_path, save_onnx):
    save_onnx(tmp_path / "model.onnx", ending="Softmax")
    (tmp_path / "model.toml").write_text(ONNX_CARD.replace("logits", "probabilities"))
    frame = np.full((16, 16, 3), 90, np.uint8)
    assert Detector(tmp_path, device="AUTO").detect(frame) == Detector(tmp_path).detect(frame)


def test_detector_is_refused_when_there_is_no_such_device(tmp_path, save_onnx):
    save_onnx(tmp_path / "model.onnx")
    (tmp_path / "model.toml").write_text(ONNX_CARD + 'device = "TPU.3"')
    with pytest.raises(ConfigError, match=r"device TPU\.3: OpenVINO finds none here \(known: AUTO, CPU"):
        Detector(tmp_path)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 1), (40, 60, 4), (1, 1, 3)])
def test_detector_takes_frames_that_are_grey_or_have_alpha(detector, shape):
    assert detector.detect(np.zeros(shape, np.uint8)) == ()


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 640, 3), (480, 0, 3)])
def test_detector_finds_nothing_on_a_frame_without_pixels(detector, shape):
    assert detector.detect(np.zeros(shape, np.uint8)) == ()


def test_detector_sees_the_same_in_grey_as_in_colour(folder, save_onnx):
    (folder / "model.xml").unlink()
    save_onnx(folder / "model.onnx", shape=(1, 1, 16, 16))
    (folder / "model.toml").write_text(ONNX_CARD + 'colours = "grey"')
    grey = np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)
    assert Detector(folder).detect(grey) == Detector(folder).detect(np.dstack([grey] * 3))


def test_detector_is_refused_when_there_are_more_classes_than_labels(folder, save_onnx):
    (folder / "model.xml").unlink()
    save_onnx(folder / "model.onnx")
    (folder / "model.toml").write_text(ONNX_CARD.replace('"a", "b", "c"', '"a", "b"'))
    with pytest.raises(ConfigError, match=r"model\.onnx: gives 3 classes; model\.toml has 2 labels"):
        Detector(folder)


def test_detector_gives_answers_in_the_order_of_the_frames_when_it_looks_ahead():
    ahead = Detector(DEFAULT_MODEL, ahead=2)
    lefts = (0, 300, 600, 900)
    frames = [np.zeros((0, 0, 3), np.uint8), *(put_thumb(left)[0] for left in lefts)]
    found = []
    for number, frame in enumerate(frames):
        ahead.start(frame)
        if number >= 2:
            found.append(ahead.finish())
    nothing, *rest = [*found, ahead.finish(), ahead.finish()]
    assert nothing == ()
    assert [one.box.left * 1280 for (one,) in rest] == pytest.approx(lefts, abs=20)


def test_detector_says_how_long_the_network_took(detector):
    detector.detect(np.zeros((90, 160, 3), np.uint8))
    assert 0 < detector.inference_s < 60
