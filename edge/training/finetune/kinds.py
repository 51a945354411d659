"""What fine-tuning has to know of a kind of model: which values are trained, towards what, and their loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from edge.training.targets import draw_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.training.finetune.examples import Example

Targets = Mapping[str, Any]
SMOOTHING = 0.03


class Task(Protocol):
    """How models of a kind are trained."""

    mirrors: bool
    """Whether a picture's mirror image shows the same, unless one says otherwise."""

    def find_outputs(self, ordered: Sequence[Any]) -> list[Any]:
        """Pick the operations whose results are trained; none, where the network is of another make."""

    def draw(self, examples: Sequence[Example], shapes: Sequence[Sequence[int]]) -> Targets:
        """Return the targets of a batch; `shapes` are those of the outputs."""

    def measure(self, outputs: Sequence[Array], targets: Targets) -> Array:
        """Return the loss of a batch."""


class Boxes:
    """The shipped detector: heat and sides of cells, before their peaks are picked."""

    mirrors = True

    def find_outputs(self, ordered: Sequence[Any]) -> list[Any]:
        """Pick the logits of heat, and the logarithms of the distances to a box's sides."""
        found = [
            [_source(one) for one in ordered if one.get_type_name() == kind] for kind in ("Sigmoid", "Exp")
        ]
        flat = [one for nodes in found for one in nodes]
        shapes = [list(one.get_output_shape(0)) for one in flat]
        fits = (
            len(flat) == 2
            and [shape[1:2] for shape in shapes] == [[1], [4]]
            and shapes[0][2:] == shapes[1][2:]
        )
        return flat if fits else []

    def draw(self, examples: Sequence[Example], shapes: Sequence[Sequence[int]]) -> Targets:
        """Return heat (n, rows, columns, 1), corners (n, rows, columns, 4), and where those count."""
        rows, columns = shapes[0][1:3]
        drawn = [draw_targets(one.boxes / _stride(one, rows, columns), (rows, columns)) for one in examples]
        return {
            "heat": _last([one.heat for one in drawn]),
            "corners": _last([one.corners for one in drawn]),
            "counts": _last([one.counts for one in drawn]),
        }

    def measure(self, outputs: Sequence[Array], targets: Targets) -> Array:
        """Return the loss that the shipped model was trained with (edge/training/thumbs_up.py)."""
        heat, sides = outputs
        return _heat_loss(heat, targets["heat"]) + 2 * _box_loss(sides, targets["corners"], targets["counts"])


class Classes:
    """A classifier of whole pictures: its logits."""

    mirrors = False

    def find_outputs(self, ordered: Sequence[Any]) -> list[Any]:
        """Pick the last sum of a layer, (1, classes)."""
        found = [_source(one) for one in ordered if one.get_type_name() == "Result"]
        return found if len(found) == 1 and len(found[0].get_output_shape(0)) == 2 else []

    def draw(self, examples: Sequence[Example], shapes: Sequence[Sequence[int]]) -> Targets:
        """Return the numbers of the classes (n,)."""
        return {"number": np.array([one.number for one in examples], np.int32)}

    def measure(self, outputs: Sequence[Array], targets: Targets) -> Array:
        """Return the cross entropy, with labels a little smoothed."""
        logits = jax.nn.log_softmax(outputs[0])
        right = jnp.take_along_axis(logits, targets["number"][:, None], 1).mean()
        return -(1 - SMOOTHING) * right - SMOOTHING * logits.mean()


def _source(node: Any) -> Any:
    return node.input(0).get_source_output().get_node()


def _stride(example: Example, rows: int, columns: int) -> NDArray[np.float32]:
    height, width = example.pixels.shape[:2]
    return np.array([width / columns, height / rows] * 2, np.float32)


def _last(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(parts).transpose(0, 2, 3, 1)


def _heat_loss(logits: Array, heat: Array) -> Array:
    """Penalty-reduced focal loss (Law and Deng, CornerNet, 2018)."""
    score = jnp.clip(jax.nn.sigmoid(logits), 1e-4, 1 - 1e-4)
    peak = heat == 1
    hit = jnp.log(score) * (1 - score) ** 2
    miss = jnp.log(1 - score) * score**2 * (1 - heat) ** 4
    return -jnp.where(peak, hit, miss).sum() / jnp.maximum(peak.sum(), 1)


def _box_loss(sides: Array, wanted: Array, counts: Array) -> Array:
    """1 - generalised intersection over union (Rezatofighi, 2019), over the cells that count."""
    found, mask = _corners(sides), counts[..., 0]
    safe = jnp.where(counts > 0, wanted, found)  # elsewhere there is no box to divide by
    low, high = jnp.maximum(found[..., :2], safe[..., :2]), jnp.minimum(found[..., 2:], safe[..., 2:])
    outer = jnp.maximum(found[..., 2:], safe[..., 2:]) - jnp.minimum(found[..., :2], safe[..., :2])
    shared, hull = jnp.clip(high - low, 0).prod(-1), outer.prod(-1)
    union = _area(found) + _area(safe) - shared
    loss = 1 - shared / union + (hull - union) / hull
    return (loss * mask).sum() / jnp.maximum(mask.sum(), 1)


def _corners(sides: Array) -> Array:
    """Return the corners, in cells, that each cell's distances stand for."""
    rows, columns = sides.shape[1:3]
    y, x = jnp.meshgrid(jnp.arange(rows) + 0.5, jnp.arange(columns) + 0.5, indexing="ij")
    middle, reach = jnp.stack([x, y], -1), jnp.exp(sides)
    return jnp.concatenate([middle - reach[..., :2], middle + reach[..., 2:]], -1)


def _area(corners: Array) -> Array:
    return (corners[..., 2:] - corners[..., :2]).prod(-1)


TASKS: Mapping[str, Task] = {"ssd": Boxes(), "classification": Classes()}
