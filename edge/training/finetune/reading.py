"""Reads a network from OpenVINO IR into a graph of steps that jax can run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.network import read_network
from edge.training.finetune.graph import Graph, Layer, Step
from edge.training.finetune.operations import OPERATIONS
from hub.errors import ConfigError

_KERNELS = ("Convolution", "GroupConvolution", "MatMul")
_BROADCAST = ("Add", "Subtract", "Multiply", "Divide")
Find = Callable[[list[Any]], list[Any]]


def read_graph(path: Path, find_outputs: Find) -> Graph:
    """Read the part of a network that leads to the values wanted.

    Args:
        path: An OpenVINO IR (.xml).
        find_outputs: Picks, of all operations in their order, those whose results are wanted.

    Raises:
        ConfigError: It cannot be read, or has an operation that is not known here.
    """
    ordered = read_network(path).get_ordered_ops()
    wanted = find_outputs(ordered)
    if not wanted:
        raise ConfigError(f"{path}: is not built as the shipped models are, and cannot be trained further")
    needed = _lead_to(wanted)
    chosen = [node for node in ordered if node.get_friendly_name() in needed]
    constants = {_name(node): node.get_data() for node in chosen if _kind(node) == "Constant"}
    moving = [node for node in chosen if _kind(node) not in ("Constant", "Parameter") and not _is_fixed(node)]
    return Graph(
        path=path,
        source=next(_name(node) for node in chosen if _kind(node) == "Parameter"),
        outputs=tuple(_name(node) for node in wanted),
        steps=tuple(_read_step(path, node) for node in moving),
        constants=constants,
        layers=tuple(_read_layer(node) for node in moving if _kind(node) in _KERNELS),
    )


def _name(node: Any) -> str:
    return str(node.get_friendly_name())


def _kind(node: Any) -> str:
    return str(node.get_type_name())


def _sources(node: Any) -> list[Any]:
    """Return the nodes of the inputs; a constant that is only converted stands for what comes of it."""
    found = [port.get_source_output().get_node() for port in node.inputs()]
    return [_sources(one)[0] if _is_fixed(one) else one for one in found]


def _is_fixed(node: Any) -> bool:
    """Whether a node only converts a constant: weights are kept in 16 bits."""
    if _kind(node) != "Convert":
        return False
    return _kind(node.input(0).get_source_output().get_node()) == "Constant"


def _lead_to(wanted: list[Any]) -> set[str]:
    """Return the names of all nodes that the wanted ones are computed from."""
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        node = waiting.pop()
        if _name(node) not in needed:
            needed.add(_name(node))
            waiting += _sources(node)
    return needed


def _read_step(path: Path, node: Any) -> Step:
    kind, sources = _kind(node), _sources(node)
    how = dict(node.get_attributes())
    fixed = [_kind(one) == "Constant" for one in sources]
    if kind in _BROADCAST and True in fixed:
        how["spread"] = fixed.index(True)
    if kind == "Interpolate":
        how["factor"] = _factor(node)
    if kind not in OPERATIONS or not _is_plain(node, how):
        raise ConfigError(f"{path}: {_name(node)}: fine-tuning knows no such {kind}")
    return Step(kind, _name(node), tuple(map(_name, sources)), how)


def _factor(node: Any) -> int:
    """Return how much an Interpolate enlarges, 0 if not by the same whole number both ways."""
    taken, given = node.input(0).get_shape(), node.output(0).get_shape()
    factor = given[2] // taken[2]
    return int(factor) if [taken[2] * factor, taken[3] * factor] == list(given)[2:] else 0


def _is_plain(node: Any, how: dict[str, Any]) -> bool:
    """Whether an operation has no option that its counterpart here ignores."""
    kernel = list(node.input(1).get_shape()) if len(node.inputs()) > 1 else []
    dense = set(how.get("dilations", [1])) == {1} and how.get("auto_pad", "explicit") == "explicit"
    match _kind(node):
        case "GroupConvolution":
            padded = [side // 2 for side in kernel[3:]] == list(how["pads_begin"]) == list(how["pads_end"])
            return (
                dense
                and padded
                and set(how["strides"]) == {1}
                and kernel[1:3] == [1, 1]
                and kernel[3] % 2 == 1
            )
        case "Interpolate":
            return bool(how["mode"] == "nearest" and how["factor"])
        case "ReduceMean":
            return bool(how["keep_dims"]) and len(node.input(0).get_shape()) == 4
        case "Reshape":
            return len(node.output(0).get_shape()) == 2
        case "MatMul":
            return bool(how["transpose_b"]) and not how["transpose_a"]
    return dense


def _read_layer(node: Any) -> Layer:
    """Return a layer: its kernel, and the constant that is added to what comes of it."""
    targets = [target.get_node() for target in node.output(0).get_target_inputs()]
    added = [_sources(one)[1] for one in targets if _kind(one) == "Add"]
    bias = next((_name(one) for one in added if _kind(one) == "Constant"), None)
    return Layer(_name(_sources(node)[1]), bias)
