"""A network of OpenVINO as a function of its weights, which can be trained, and written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from edge.network import read_network
from edge.runtime import load_openvino
from edge.training.finetune.operations import OPERATIONS, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

Constants = Mapping[str, "NDArray[Any]"]
Weights = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a network: what it is, its name, those of its inputs, and its attributes."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    how: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """The names of the constants that one layer has: its kernel, and its bias if there is one."""

    kernel: str
    bias: str | None


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps from a network's input to some of its values, with their constants.

    Attributes:
        path: The network's file.
        source: The input's name.
        outputs: Names of steps.
        constants: As in the file, by name.
        layers: What can be trained, from the input on.
    """

    path: Path
    source: str
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    constants: Constants
    layers: tuple[Layer, ...]

    def weights(self, frozen: int = 0) -> dict[str, Array]:
        """Return what can be trained, as float32; without the first `frozen` layers."""
        names = [name for layer in self.layers[frozen:] for name in (layer.kernel, layer.bias) if name]
        return {name: jnp.asarray(self.constants[name], jnp.float32) for name in names}

    def run(self, weights: Weights, pictures: Array) -> list[Array]:
        """Return the outputs, channels last, for (n, height, width, channels) float32 values.

        Args:
            weights: What to take in place of the constants of these names.
        """
        values: dict[str, Any] = {name: jnp.asarray(one, jnp.float32) for name, one in self.constants.items()}
        values |= {self.source: pictures, **weights}
        for step in self.steps:
            inputs = [values[name] for name in step.inputs]
            if "spread" in step.how:
                inputs[step.how["spread"]] = spread(inputs[step.how["spread"]])
            values[step.name] = OPERATIONS[step.kind](step.how, *inputs)
        return [values[name] for name in self.outputs]

    def network(self, weights: Weights) -> Any:
        """Return OpenVINO's model with these weights in place of its own, at the precision of its file."""
        opset, made = load_openvino().opset13, read_network(self.path)
        ours = {name: self.constants[name] for name in self.weights()} | dict(weights)
        for node in made.get_ordered_ops():
            name = node.get_friendly_name()
            if name in ours and node.get_type_name() == "Constant":
                value = np.asarray(ours[name]).astype(node.get_data().dtype)
                constant = opset.constant(value)
                constant.set_friendly_name(name)
                for target in list(node.output(0).get_target_inputs()):
                    target.replace_source_output(constant.output(0))
        made.validate_nodes_and_infer_types()
        return made
