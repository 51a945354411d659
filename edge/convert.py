"""Reads networks of other frameworks, and says how to get there where OpenVINO no longer does."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.network import find_network, last_line, read_network
from edge.runtime import load_openvino
from hub.errors import ConfigError

OWN = frozenset({".xml", ".onnx"})
OTHERS = frozenset({".pb", ".tflite", ".pdmodel"})
TORCH = frozenset({".pt", ".pth", ".pt2"})
MXNET = "MXNet can no longer be read"
MXNET_WAY = (
    "export it to ONNX where MXNet 1.9 is installed: "
    "mxnet.contrib.onnx.export_model('x-symbol.json', 'x-0000.params', [(1, 3, 512, 512)], "
    "onnx_file_path='x.onnx') (SageMaker's SSD first through its deploy.py), then optimize x.onnx"
)
CAFFE = "Caffe can no longer be read"
CAFFE_WAY = (
    "convert it to ONNX: pip install caffe2onnx in a Python of its own, "
    "python -m caffe2onnx.convert --prototxt x.prototxt --caffemodel x.caffemodel --onnx x.onnx, "
    "then optimize x.onnx; or to IR with openvino-dev 2023.3: mo --input_model x.caffemodel, "
    "then optimize x.xml"
)
TORCH_WAY = "export it to ONNX where PyTorch is: torch.onnx.export(model, (example,), 'model.onnx')"
KNOWN = "a model folder, .onnx, .xml, a SavedModel folder, .pb, .tflite, .pdmodel, .pt, .pt2"


def find_source(path: Path) -> Path:
    """Return the file or folder that holds the network of what a path names.

    Args:
        path: A model folder, a SavedModel folder, or a file.

    Raises:
        ConfigError: There is nothing, or nothing that can be read.
    """
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file or folder")
    if path.is_dir() and not (path / "saved_model.pb").is_file():
        return _find_foreign(path) or find_network(path)
    return path


def read_source(path: Path) -> Any:
    """Return OpenVINO's model of a file or SavedModel folder.

    A PyTorch file may run code when it is read: take only those you trust.

    Raises:
        ConfigError: It cannot be read, with what to do instead where that is known.
    """
    _refuse_foreign(path)
    ending = path.suffix.lower()
    if path.is_dir() or ending in OTHERS:
        return _convert(path)
    if ending in OWN:
        return read_network(path)
    if ending in TORCH:
        return _convert_torch(path)
    raise ConfigError(f"{path}: is of no known format (known: {KNOWN})")


def measure_bytes(path: Path) -> int:
    """Return the size of a network: with its weights beside it (IR), with everything in it (SavedModel)."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    beside = [
        path.with_suffix(ending)
        for ending in {".xml": [".bin"], ".pdmodel": [".pdiparams"]}.get(path.suffix, [])
    ]
    return sum(part.stat().st_size for part in [path, *beside] if part.is_file())


def _find_foreign(folder: Path) -> Path | None:
    """Return a file of MXNet or Caffe in a folder without a network of ours."""
    own = any((folder / name).is_file() for name in ("model.xml", "model.onnx"))
    found = (
        path for pattern in ("*.params", "*-symbol.json", "*.caffemodel") for path in folder.glob(pattern)
    )
    return None if own else next(found, None)


def _refuse_foreign(path: Path) -> None:
    if path.suffix == ".params" or path.name.endswith("-symbol.json"):
        raise ConfigError(f"{path}: {MXNET}; {MXNET_WAY}")
    if path.suffix in {".caffemodel", ".prototxt"}:
        raise ConfigError(f"{path}: {CAFFE}; {CAFFE_WAY}")


def _convert_torch(path: Path) -> Any:
    """Convert what torch.export (.pt2) or TorchScript wrote; OpenVINO would not say why it could not."""
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(f"{path}: reading it needs PyTorch (pip install torch); or {TORCH_WAY}")
    torch = importlib.import_module("torch")
    load = torch.export.load if path.suffix == ".pt2" else torch.jit.load
    try:
        program = load(str(path))
    except Exception as error:  # reading a damaged file it raises what it likes
        reason = "torch.export's" if path.suffix == ".pt2" else "TorchScript"
        raise ConfigError(f"{path}: is not {reason}; weights alone are no network: {TORCH_WAY}") from error
    return _convert(path, program)


def _convert(path: Path, program: Any = None) -> Any:
    try:
        with _logging_kept():
            network = load_openvino().convert_model(program or path)
    except Exception as error:  # each framework's reader raises what it likes
        raise ConfigError(f"{path}: OpenVINO cannot convert it: {last_line(error)}") from error
    if not network.inputs or not network.outputs:
        raise ConfigError(f"{path}: OpenVINO cannot convert it: it holds no network")
    return network


@contextmanager
def _logging_kept() -> Iterator[None]:
    """Put back the root logger: when a conversion fails, OpenVINO leaves it silenced."""
    root = logging.getLogger()
    level, handlers, filters = root.level, root.handlers[:], root.filters[:]
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:], root.filters[:] = handlers, filters
