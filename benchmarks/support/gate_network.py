"""The text gate: the published architecture with random weights, as an OpenVINO model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge.runtime import load_openvino

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIDE = 224
PARAMETERS = 450_633  # as published; the layers below have as many with padding to the same size
EPSILON = 1e-3
# (kind, channels, kernel); ELU after each conv and the first dense, sigmoid after the last
LAYERS = (
    ("conv", 24, 3),
    ("pool", 24, 2),
    ("conv", 64, 3),
    ("norm", 64, 0),
    ("conv", 64, 5),
    ("pool", 64, 2),
    ("conv", 64, 7),
    ("pool", 64, 2),
    ("norm", 64, 0),
    ("conv", 64, 5),
    ("pool", 64, 2),
    ("conv", 8, 3),
    ("pool", 8, 2),
    ("norm", 8, 0),
    ("dense", 64, 0),
    ("dense", 1, 0),
)
Weights = tuple["NDArray[np.float32]", ...]
Layer = tuple[str, Weights]


def make_layers(seed: int) -> list[Layer]:
    """Return (kind, weights) of each layer, the same for the same seed.

    Weights are (kernel, bias) of a conv (out, in, height, width) or dense (out, in), and (gamma, beta, mean,
    variance) of a norm, so scaled that the answer depends on the picture.
    """
    rng, layers, width, side = np.random.default_rng(seed), [], 3, SIDE
    for kind, channels, kernel in LAYERS:
        if kind == "norm":
            weights = _draw_norm(rng, channels)
        elif kind == "pool":
            weights, side = (), side // 2
        else:
            inputs = width if kind == "conv" else width * side * side
            shape = (channels, inputs, kernel, kernel) if kind == "conv" else (channels, inputs)
            weights, width = _draw_kernel(rng, shape), channels
            side = side if kind == "conv" else 1
        layers.append((kind, weights))
    return layers


def _draw_norm(rng: np.random.Generator, channels: int) -> Weights:
    ranges = ((0.8, 1.2), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5))
    return tuple(rng.uniform(*span, channels).astype(np.float32) for span in ranges)


def _draw_kernel(rng: np.random.Generator, shape: tuple[int, ...]) -> Weights:
    kernel = rng.standard_normal(shape, np.float32) * np.float32((2 / np.prod(shape[1:])) ** 0.5)
    return kernel, rng.uniform(-0.05, 0.05, shape[0]).astype(np.float32)


def count_parameters(layers: list[Layer]) -> int:
    """Return how many numbers the layers hold."""
    return sum(weights.size for _, arrays in layers for weights in arrays)


def build_openvino(layers: list[Layer]) -> Any:
    """Return the OpenVINO model: (1, 3, 224, 224) float32 in -1..1 in, (1, 1) probability of text out."""
    ops = load_openvino().opset13
    place = node = ops.parameter([1, 3, SIDE, SIDE], np.float32)
    for (kind, weights), is_last in _with_last(layers):
        if kind == "pool":
            node = ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
        elif kind == "norm":
            node = ops.batch_norm_inference(node, *weights, EPSILON)
        else:
            node = _add_conv(ops, node, *weights) if kind == "conv" else _add_dense(ops, node, *weights)
            node = ops.sigmoid(node) if is_last else ops.elu(node, 1.0)
    return load_openvino().Model([node], [place], "text-gate")


def _with_last(layers: list[Layer]) -> Iterator[tuple[Layer, bool]]:
    yield from ((layer, layer is layers[-1]) for layer in layers)


def _add_conv(ops: Any, node: Any, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
    pad = [kernel.shape[2] // 2] * 2
    return ops.add(ops.convolution(node, kernel, [1, 1], pad, pad, [1, 1]), bias.reshape(1, -1, 1, 1))


def _add_dense(ops: Any, node: Any, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
    flat = ops.reshape(node, np.array([1, -1]), special_zero=False)
    return ops.add(ops.matmul(flat, kernel, transpose_a=False, transpose_b=True), bias)
