"""Measures the text gate in OpenVINO and in torch, in turn, with as many threads and the same pictures."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from support.gate_network import PARAMETERS, SIDE, build_openvino, count_parameters, make_layers
from support.gate_ways import measure_ways, rows_of_ways

from edge.bench import Latency, make_noise
from edge.runtime import load_openvino

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]

SEED = 2018
PICTURES = 4
UNCOUNTED = 3  # calls at each change of engine: torch's threads spin for a while after their last one
PUBLISHED = "published: 40 ms a call from a JPEG, over HTTP to TensorFlow Serving, with batching"
EXACT = "OpenVINO, f32"
WITHOUT_TORCH = "torch: is not installed; for its line, install torch==2.13.0 into .venv"


def main() -> None:
    """Measure in turn, `--rounds` times so many calls of each, and print the latencies."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=40, help="of each in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each")
    parser.add_argument("--pictures", type=int, default=1000, help="of 224 x 224, as JPEG, each way")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args()
    layers = make_layers(SEED)
    network, jpegs = build_openvino(layers), [encode(pixels) for pixels in make_noise(PICTURES)]
    exact, own = (compile_network(network, asked.threads, hint) for hint in ("f32", None))
    precision = own.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    gates: dict[str, Infer] = {EXACT: partial(infer, exact)}
    if precision != "f32":
        gates[f"OpenVINO, {precision}, which this CPU has"] = partial(infer, own)
    in_torch = find_torch(layers, asked.threads)
    gates |= in_torch
    inputs = [prepare(jpeg) for jpeg in jpegs]
    works = {name: [partial(gate, values) for values in inputs] for name, gate in gates.items()}
    works[f"{EXACT}, from a JPEG of 640 x 480"] = [partial(infer_jpeg, exact, jpeg) for jpeg in jpegs]
    results = {
        "parameters": count_parameters(layers),
        "threads": asked.threads,
        "torch": bool(in_torch),
        "latency": {name: asdict(found) for name, found in measure(works, asked.rounds, asked.calls).items()},
        "difference": {name: differ(gates[EXACT], gate, inputs) for name, gate in gates.items()},
        "spread": spread(gates[EXACT], inputs),
        "ways": measure_ways(asked.pictures, asked.threads),
    }
    print(json.dumps(results) if asked.json else describe(results))


def find_torch(layers: list[Any], threads: int) -> dict[str, Infer]:
    """Return the gate in torch by its name, and nothing where torch is not installed."""
    try:
        from support.gate_torch import VERSION, build_torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        return {}
    return {f"torch {VERSION}, f32": build_torch(layers, threads)}


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as a JPEG of the usual quality."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def prepare(jpeg: bytes) -> NDArray[np.float32]:
    """Return a JPEG as the network takes it: (1, 3, 224, 224), -1..1."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.dnn.blobFromImage(pixels, 1 / 127.5, (SIDE, SIDE), (127.5, 127.5, 127.5), swapRB=True)


def compile_network(network: Any, threads: int, precision: str | None) -> Any:
    """Return the compiled network; without a precision OpenVINO chooses what is fastest."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    if precision:
        options["INFERENCE_PRECISION_HINT"] = precision
    return load_openvino().Core().compile_model(network, "CPU", options)


def infer(compiled: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (1, 1) probability of text."""
    return compiled(values, share_inputs=True)[0]


def infer_jpeg(compiled: Any, jpeg: bytes) -> NDArray[np.float32]:
    """Return the (1, 1) probability of text in a JPEG."""
    return infer(compiled, prepare(jpeg))


def measure(works: dict[str, list[Callable[[], object]]], rounds: int, calls: int) -> dict[str, Latency]:
    """Time each in turn, on one picture after the other."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, pictures in works.items():
            times = [time_call(pictures[number % len(pictures)]) for number in range(UNCOUNTED + calls)]
            took[name] += times[UNCOUNTED:]
    return {name: Latency.of(times) for name, times in took.items()}


def time_call(work: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def differ(one: Infer, other: Infer, inputs: list[NDArray[np.float32]]) -> float:
    """Return how far two answers are apart at most."""
    return max(float(np.abs(one(values) - other(values)).max()) for values in inputs)


def spread(gate: Infer, inputs: list[NDArray[np.float32]]) -> float:
    """Return how far apart the answers to the pictures are: with 0 a comparison of answers would be idle."""
    answers = [float(gate(values)[0, 0]) for values in inputs]
    return max(answers) - min(answers)


def describe(results: dict[str, Any]) -> str:
    """Return the table."""
    rows = [
        f"{name:<42}{found['p50_ms']:9.2f}{found['p95_ms']:9.2f}"
        + (f"{results['difference'][name]:14.1e}" if name in results["difference"] else "")
        for name, found in results["latency"].items()
    ]
    head = (
        f"Text gate, {results['parameters']:,} parameters (published: {PARAMETERS:,}), random weights, "
        f"batch 1, {results['threads']} threads"
    )
    columns = f"{'':<42}{'p50 ms':>9}{'p95 ms':>9}{'difference':>14}"
    foot = (
        "difference: of the answer from the first line's, at most; "
        f"the answers to the pictures lie {results['spread']:.2f} apart"
    )
    without = [] if results["torch"] else [WITHOUT_TORCH]
    ways = rows_of_ways(results["ways"])
    return "\n".join([head, columns, *rows, *without, PUBLISHED, foot, "", *ways])
