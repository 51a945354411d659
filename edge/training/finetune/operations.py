"""The operations of OpenVINO that the shipped networks are made of, in jax.

Values are (n, height, width, channels), for which XLA has the faster convolutions on CPUs. Constants stay in
OpenVINO's order (kernels: out, in, height, width) until they are used, so that they can be written back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Attributes = Mapping[str, Any]
_LAYOUT = ("NHWC", "HWIO", "NHWC")


def _convolve(how: Attributes, picture: Array, kernel: Array) -> Array:
    """Convolve with a kernel (out, in, height, width)."""
    pads = list(zip(how["pads_begin"], how["pads_end"], strict=True))
    weights = jnp.transpose(kernel, (2, 3, 1, 0))
    return lax.conv_general_dilated(picture, weights, how["strides"], pads, dimension_numbers=_LAYOUT)


def _convolve_each(_: Attributes, picture: Array, kernel: Array) -> Array:
    """Convolve each channel by itself, with a kernel (channels, 1, 1, height, width)."""
    return _depthwise(picture, jnp.transpose(kernel[:, 0, 0], (1, 2, 0)))


@jax.custom_vjp
def _depthwise(picture: Array, kernel: Array) -> Array:
    """Sum shifted pictures times what a kernel (height, width, channels), of odd sides, says there.

    XLA's grouped convolution takes 30 times as long on a CPU, and the gradient that jax finds for this sum
    as long as that (44 channels of 48 x 48).
    """
    return sum((part * kernel[y, x] for y, x, part in _shifts(picture, kernel)), jnp.zeros(()))


def _shifts(picture: Array, kernel: Array) -> list[tuple[int, int, Array]]:
    rows, columns = kernel.shape[:2]
    height, width = picture.shape[1:3]
    padded = jnp.pad(picture, ((0, 0), (rows // 2, rows // 2), (columns // 2, columns // 2), (0, 0)))
    places = [(y, x) for y in range(rows) for x in range(columns)]
    return [(y, x, padded[:, y : y + height, x : x + width]) for y, x in places]


def _depthwise_forward(picture: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return _depthwise(picture, kernel), (picture, kernel)


def _depthwise_back(kept: tuple[Array, Array], slope: Array) -> tuple[Array, Array]:
    picture, kernel = kept
    taps = [(part * slope).sum((0, 1, 2)) for _, _, part in _shifts(picture, kernel)]
    return _depthwise(slope, kernel[::-1, ::-1]), jnp.stack(taps).reshape(kernel.shape)


_depthwise.defvjp(_depthwise_forward, _depthwise_back)


def _enlarge(how: Attributes, picture: Array, *_: Any) -> Array:
    """Repeat every pixel `factor` times in both directions."""
    n, height, width, channels = picture.shape
    factor = how["factor"]
    tall = jnp.broadcast_to(picture[:, :, None, :, None], (n, height, factor, width, factor, channels))
    return tall.reshape(n, height * factor, width * factor, channels)


def _flatten(_: Attributes, value: Array, *__: Any) -> Array:
    """Return (n, everything else), in OpenVINO's order."""
    ordered = jnp.transpose(value, (0, 3, 1, 2)) if value.ndim == 4 else value
    return ordered.reshape(len(value), -1)


def _each(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda _, *values: function(*values)


OPERATIONS: Mapping[str, Callable[..., Array]] = {
    "Convolution": _convolve,
    "GroupConvolution": _convolve_each,
    "MatMul": lambda _, value, weights: value @ weights.T,
    "Interpolate": _enlarge,
    "ReduceMean": lambda _, value, *__: jnp.mean(value, (1, 2), keepdims=True),
    "Reshape": _flatten,
    "Clamp": lambda how, value: jnp.clip(value, how["min"], how["max"]),
    "Add": _each(jnp.add),
    "Subtract": _each(jnp.subtract),
    "Multiply": _each(jnp.multiply),
    "Divide": _each(jnp.divide),
    "Relu": _each(jax.nn.relu),
}
"""What each computes: of its attributes and of its inputs."""


def spread(value: Array) -> Array:
    """Return (n, channels, height, width) as (n, height, width, channels); other ranks as they are."""
    return jnp.transpose(value, (0, 2, 3, 1)) if value.ndim == 4 else value
