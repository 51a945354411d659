"""The same text gate in torch, which is not among the development tools: it is imported here only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from support.gate_network import EPSILON
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from support.gate_network import Layer

VERSION = torch.__version__


def build_torch(layers: list[Layer], threads: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from (1, 3, 224, 224) values to the (1, 1) probability of text."""
    torch.set_num_threads(threads)
    network = nn.Sequential(
        *(part for number, layer in enumerate(layers) for part in _make(layer, layers, number))
    )
    network.eval()

    def infer(values: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network(torch.from_numpy(values)).numpy()

    return infer


def _make(layer: Layer, layers: list[Layer], number: int) -> list[Any]:
    kind, weights = layer
    tensors = [torch.from_numpy(array) for array in weights]
    if kind == "pool":
        return [nn.MaxPool2d(2)]
    if kind == "norm":
        return [_make_norm(*tensors)]
    is_last = number == len(layers) - 1
    before = [nn.Flatten()] if kind == "dense" and layers[number - 1][0] != "dense" else []
    return [*before, _make_kernel(kind, *tensors), nn.Sigmoid() if is_last else nn.ELU()]


def _make_norm(gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
    norm = nn.BatchNorm2d(len(gamma), eps=EPSILON)
    norm.load_state_dict(
        {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}, strict=False
    )
    return norm


def _make_kernel(kind: str, kernel: Any, bias: Any) -> Any:
    out, inputs = kernel.shape[:2]
    part = (
        nn.Conv2d(inputs, out, kernel.shape[2], padding="same") if kind == "conv" else nn.Linear(inputs, out)
    )
    part.load_state_dict({"weight": kernel, "bias": bias})
    return part
