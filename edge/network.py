"""Reads networks (IR or ONNX) with OpenVINO and makes them ready to run on a device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.runtime import load_openvino
from hub.errors import ConfigError

# f32: on CPUs with bf16 the default would be bf16, and results would depend on the machine
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def find_network(folder: Path) -> Path:
    """Return a model folder's network: model.xml with model.bin, or model.onnx.

    Raises:
        ConfigError: There is none.
    """
    if (folder / "model.onnx").is_file() and not (folder / "model.xml").is_file():
        return folder / "model.onnx"
    if missing := [name for name in ("model.xml", "model.bin") if not (folder / name).is_file()]:
        raise ConfigError(f"{folder}: {' and '.join(missing)} missing (is this a model folder?)")
    return folder / "model.xml"


def read_network(path: Path) -> Any:
    """Return OpenVINO's model of an IR or ONNX file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return load_openvino().Core().read_model(path)
    except RuntimeError as error:
        raise ConfigError(f"{path}: OpenVINO cannot load it: {last_line(error)}") from error


def compile_network(network: Any, device: str, threads: int | None = None, ahead: int = 0) -> Any:
    """Return a network made ready to run.

    Args:
        network: OpenVINO's model.
        device: CPU, GPU, NPU, GPU.1 ..., or AUTO for what OpenVINO thinks best.
        threads: How many the CPU may use; None for as many as OpenVINO thinks best.
        ahead: How many runs are started before the oldest is waited for. 0: each is to end soon, with all
            threads at work on it. More: as many as can be in a second, some of them side by side.

    Raises:
        ConfigError: There is no such device here, or it cannot run the network.
    """
    core = load_openvino().Core()
    _check_device(device, core.available_devices)
    for_cpu: dict[str, Any] = PRECISION | ({"INFERENCE_NUM_THREADS": threads} if threads else {})
    options: dict[str, Any] = for_cpu if device == "CPU" else {}
    if device == "AUTO":
        options = {"DEVICE_PROPERTIES": {"CPU": for_cpu}}
    hint: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if ahead:
        hint = {"PERFORMANCE_HINT": "THROUGHPUT", "PERFORMANCE_HINT_NUM_REQUESTS": ahead}
    try:
        return core.compile_model(network, device, hint | options)
    except RuntimeError as error:
        raise ConfigError(f"OpenVINO cannot run it on {device}: {last_line(error)}") from error


def last_line(error: Exception) -> str:
    """Return what an error of OpenVINO says, without where in its source it was raised."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()


def _check_device(device: str, found: list[str]) -> None:
    if device != "AUTO" and not any(device in (one, one.split(".")[0]) for one in found):
        raise ConfigError(f"device {device}: OpenVINO finds none here (known: AUTO, {', '.join(found)})")
