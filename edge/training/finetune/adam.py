"""Adam (Kingma and Ba, 2015), on slopes whose length is bounded."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from edge.training.finetune.graph import Weights

LONGEST_SLOPE = 10.0
FORGET, FORGET_SQUARE = 0.9, 0.999
TINY = 1e-8


class Moments(NamedTuple):
    """Running means of the slopes and of their squares, after so many steps."""

    mean: Weights
    square: Weights
    steps: Array


def begin(weights: Weights) -> Moments:
    """Return the state before the first step."""
    nothing = jax.tree.map(jnp.zeros_like, dict(weights))
    return Moments(nothing, nothing, jnp.zeros((), jnp.int32))


def advance(
    weights: Weights, slopes: Weights, before: Moments, rate: Array | float
) -> tuple[Weights, Moments]:
    """Return the weights a step further down, and the new state."""
    length = jnp.sqrt(sum(((one**2).sum() for one in slopes.values()), jnp.zeros(())))
    shrink = jnp.minimum(1.0, LONGEST_SLOPE / jnp.maximum(length, TINY))
    steps = before.steps + 1
    after, moved = Moments({}, {}, steps), {}
    for name, weight in weights.items():
        slope = slopes[name] * shrink
        mean = FORGET * before.mean[name] + (1 - FORGET) * slope
        square = FORGET_SQUARE * before.square[name] + (1 - FORGET_SQUARE) * slope**2
        unbiased = mean / (1 - FORGET**steps), square / (1 - FORGET_SQUARE**steps)
        moved[name] = weight - rate * unbiased[0] / (jnp.sqrt(unbiased[1]) + TINY)
        after = Moments({**after.mean, name: mean}, {**after.square, name: square}, steps)
    return moved, after
