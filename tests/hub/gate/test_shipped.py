"""The shipped gate knows text of fonts and on backgrounds that it has not seen, and is as published."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.gate.card import SHIPPED, read_card
from hub.gate.network import load_openvino

SIDE = 224
SHEETS = Path(__file__).parent / "held_out"  # made by `python -m edge.training.draw_signs`
MODEL = SHIPPED / "text"
PARAMETERS = 450_633


def read_sheet(name: str) -> list[np.ndarray]:
    """Return the 80 pictures of a sheet."""
    sheet = cv2.imread(str(SHEETS / f"{name}.jpg"))
    rows = np.split(sheet, sheet.shape[0] // SIDE, 0)
    return [picture for row in rows for picture in np.split(row, row.shape[1] // SIDE, 1)]


def open_network(path: Path):
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    return load_openvino().Core().compile_model(path, "CPU", options)


def score(network, picture: np.ndarray) -> float:
    values = cv2.dnn.blobFromImage(picture, 1 / 127.5, (SIDE, SIDE), (127.5,) * 3, swapRB=True)
    return float(network(values)[0][0, 0])


@pytest.fixture(scope="module")
def scores() -> dict[str, list[float]]:
    network = open_network(MODEL / "model.xml")
    return {name: [score(network, picture) for picture in read_sheet(name)] for name in ("text", "none")}


def test_shipped_gate_finds_text_in_fonts_and_scripts_it_has_not_seen(scores):
    threshold = read_card(MODEL).threshold
    assert np.mean([one >= threshold for one in scores["text"]]) >= 0.95


def test_shipped_gate_refuses_pictures_without_text_before_backgrounds_it_has_not_seen(scores):
    threshold = read_card(MODEL).threshold
    assert np.mean([one >= threshold for one in scores["none"]]) < 0.1


def test_shipped_gate_is_the_published_architecture_with_its_kernels_written_as_products(scores):
    published = open_network(MODEL / "published" / "model.xml")
    pictures = read_sheet("text")[:10] + read_sheet("none")[:10]
    found = [score(published, picture) for picture in pictures]
    assert found == pytest.approx(scores["text"][:10] + scores["none"][:10], abs=0.02)


def test_published_architecture_has_as_many_parameters_as_published():
    """The graph holds two numbers a channel of a normalisation; Keras counts the four they come from."""
    model = load_openvino().Core().read_model(MODEL / "published" / "model.xml")
    shapes = [
        list(node.get_output_shape(0))
        for node in model.get_ops()
        if node.get_type_name() == "Constant" and node.get_element_type().is_real()
    ]
    assert sum(int(np.prod(shape)) for shape in shapes) + 2 * (64 + 64 + 8) == PARAMETERS
