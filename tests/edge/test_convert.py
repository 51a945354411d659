"""Models of other frameworks: what is read, and what is said of those that are not."""

from __future__ import annotations

import importlib.util
import logging
import struct
from pathlib import Path

import numpy as np
import pytest

from edge.convert import find_source, measure_bytes, read_source
from edge.model import SHIPPED
from edge.network import compile_network
from hub.errors import ConfigError

FLOAT, INT32 = 1, 3  # TensorFlow's numbers of types


def field(number: int, value: bytes | int) -> bytes:
    """Return a field of a protocol buffer message."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    length = len(value)
    return (
        bytes([number << 3 | 2, *([length & 127 | 128, length >> 7] if length > 127 else [length])]) + value
    )


def attribute(name: str, value: bytes) -> bytes:
    return field(5, field(1, name.encode()) + field(2, value))


def node(name: str, operation: str, inputs: list[str], *attributes: bytes) -> bytes:
    names = b"".join(field(3, one.encode()) for one in inputs)
    return field(1, field(1, name.encode()) + field(2, operation.encode()) + names + b"".join(attributes))


def graph() -> bytes:
    """Return a TensorFlow graph: the softmax of the mean of each channel of a 1 x 4 x 4 x 3 picture."""
    shape = b"".join(field(2, field(1, side)) for side in (1, 4, 4, 3))
    axes = field(1, INT32) + field(2, field(2, field(1, 2))) + field(4, struct.pack("<2i", 1, 2))
    real = attribute("T", field(6, FLOAT))
    return b"".join(
        [
            node(
                "x",
                "Placeholder",
                [],
                attribute("dtype", field(6, FLOAT)),
                attribute("shape", field(7, shape)),
            ),
            node(
                "axes", "Const", [], attribute("dtype", field(6, INT32)), attribute("value", field(8, axes))
            ),
            node("mean", "Mean", ["x", "axes"], real, attribute("Tidx", field(6, INT32))),
            node("y", "Softmax", ["mean"], real),
        ]
    )


def tensor(name: str, *sides: int) -> bytes:
    shape = b"".join(field(2, field(1, side)) for side in sides)
    return field(1, name.encode()) + field(2, FLOAT) + field(3, shape)


def saved_model() -> bytes:
    """Return the graph as TensorFlow's SavedModel."""
    ins = field(1, field(1, b"x") + field(2, tensor("x:0", 1, 4, 4, 3)))
    outs = field(2, field(1, b"y") + field(2, tensor("y:0", 1, 3)))
    signature = field(1, b"serving_default") + field(2, ins + outs + field(3, b"tensorflow/serving/predict"))
    return field(1, 1) + field(2, field(1, field(4, b"serve")) + field(2, graph()) + field(5, signature))


@pytest.mark.parametrize(("name", "make"), [("model.pb", graph), ("saved_model.pb", saved_model)])
def test_tensorflow_is_read(tmp_path, name, make):
    (tmp_path / name).write_bytes(make())
    source = find_source(tmp_path if name == "saved_model.pb" else tmp_path / name)
    compiled = compile_network(read_source(source), "CPU")
    (given,) = compiled({0: np.ones((1, 4, 4, 3), np.float32)}).values()
    assert given.tolist() == [[pytest.approx(1 / 3)] * 3]


@pytest.mark.parametrize("name", ["net-symbol.json", "net-0000.params", "net.caffemodel", "net.prototxt"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_mxnet_and_caffe_are_refused_with_the_way_to_onnx(tmp_path, name, as_folder):
    (tmp_path / name).write_bytes(b"x")
    if as_folder and name == "net.prototxt":
        (tmp_path / "net.caffemodel").write_bytes(b"x")
    with pytest.raises(
        ConfigError, match=r"(MXNet|Caffe) can no longer be read; .*to ONNX.*optimize x\.onnx"
    ):
        read_source(find_source(tmp_path if as_folder else tmp_path / name))


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.pt2"])
def test_pytorch_is_refused_with_what_it_needs_when_it_is_not_installed(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"needs PyTorch \(pip install torch\); .*torch\.onnx\.export"):
        read_source(tmp_path / name)


@pytest.mark.parametrize("ending", [".onnx", ".xml", ".pb", ".tflite", ".pdmodel"])
@pytest.mark.parametrize("content", [b"", b"damaged", b"\x00" * 5000])
def test_damaged_file_is_refused_in_one_line(tmp_path, ending, content):
    path = tmp_path / f"net{ending}"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"net\{ending}: OpenVINO cannot (load|convert) it: .") as caught:
        read_source(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "no such file"),
        ("net.h5", "of no known format .known: a model folder, .onnx"),
        ("", "missing"),
    ],
)
def test_what_is_no_model_is_refused_with_what_is_known(tmp_path, name, words):
    (tmp_path / "net.h5").write_bytes(b"x")
    with pytest.raises(ConfigError, match=words):
        read_source(find_source(tmp_path / name))


def test_size_of_an_ir_counts_graph_and_weights():
    folder = SHIPPED / "hiragana"
    wanted = sum((folder / name).stat().st_size for name in ("model.xml", "model.bin"))
    assert measure_bytes(folder / "model.xml") == wanted


def test_size_of_a_folder_counts_everything_in_it(tmp_path: Path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "a").write_bytes(b"1234")
    (tmp_path / "saved_model.pb").write_bytes(b"56")
    assert measure_bytes(tmp_path) == 6


def test_logging_is_as_before_when_a_conversion_failed(tmp_path):
    root = logging.getLogger()
    before = root.level, root.handlers[:], root.filters[:]
    (tmp_path / "net.pb").write_bytes(b"x")
    with pytest.raises(ConfigError):
        read_source(tmp_path / "net.pb")
    assert (root.level, root.handlers, root.filters) == before
