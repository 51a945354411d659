"""Makes the card of a network that comes without one, as far as its shapes tell; writes cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from edge.kinds.outputs import Outputs, words
from edge.model_card import Kind, ModelCard
from edge.network import compile_network, last_line
from edge.problems import list_problems
from hub.errors import ConfigError


def guess_card(name: str, network: Any, labels: tuple[str, ...] | None) -> ModelCard:
    """Return a card for a network, as far as its input and outputs tell.

    Args:
        name: What to call the model.
        network: OpenVINO's model.
        labels: In the order of their numbers; None to number the classes, where their count can be seen.

    Raises:
        ConfigError: It cannot be told; write a model.toml.
    """
    shape = _find_input(name, network)
    arrays = _try_out(name, network, shape)
    kind = _guess_kind(name, arrays)
    settings: dict[str, Any] = {"name": name, "version": "1", "kind": kind, **_describe_input(shape)}
    settings["labels"] = labels or _number_labels(name, kind, arrays)
    if _are_logits(kind, arrays):
        settings["scores"] = "logits"
    try:
        return ModelCard.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(*list_problems(name, error, ModelCard)) from error


def write_card(card: ModelCard, path: Path) -> None:
    """Write a model.toml, tables last."""
    values = card.model_dump(mode="json", exclude_defaults=True)
    plain = [f"{key} = {_write(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for key, table in values.items():
        if isinstance(table, dict):
            plain += ["", f"[{key}]", *(f"{_write(name)} = {_write(value)}" for name, value in table.items())]
    path.write_text("\n".join(plain) + "\n", encoding="utf-8")


def _write(value: Any) -> str:
    """Write a text, number or list as TOML; what JSON makes of them is also TOML."""
    return json.dumps(value, ensure_ascii=False)


def _find_input(name: str, network: Any) -> list[int]:
    """Return the shape of the one picture that a network takes."""
    shapes = [port.get_partial_shape() for port in network.inputs]
    sides = list(shapes[0]) if len(shapes) == 1 and shapes[0].rank.is_static else []
    known = [side.get_length() if side.is_static else -1 for side in sides]
    known[:1] = [1] if known[:1] == [-1] else known[:1]
    if len(known) != 4 or known[0] != 1 or -1 in known or not {1, 3} & {known[1], known[3]}:
        found = ", ".join(str(shape) for shape in shapes) or "nothing"
        raise ConfigError(
            f"{name}: takes {found}, which does not tell the picture's size; write a model.toml beside it"
        )
    return known


def _describe_input(shape: list[int]) -> dict[str, Any]:
    first = shape[1] in (1, 3)
    channels, height, width = (shape[1:]) if first else (shape[3], shape[1], shape[2])
    colours = "grey" if channels == 1 else "rgb"
    return {"width": width, "height": height, "colours": colours, "layout": "nchw" if first else "nhwc"}


def _try_out(name: str, network: Any, shape: list[int]) -> Outputs:
    """Return what a network gives for a grey picture."""
    trial = network.clone()
    try:
        trial.reshape(shape)
        compiled = compile_network(trial, "CPU")
        kind = trial.inputs[0].get_element_type().to_dtype()
        arrays = list(compiled({0: np.full(shape, 0.5, kind)}).values())
    except RuntimeError as error:
        raise ConfigError(f"{name}: OpenVINO cannot run it: {last_line(error)}") from error
    names = [next(iter(sorted(port.names)), f"output {n}") for n, port in enumerate(trial.outputs)]
    return dict(zip(names, arrays, strict=True))


def _guess_kind(name: str, outputs: Outputs) -> Kind:
    shapes = [array.shape for array in outputs.values()]
    first = shapes[0] if shapes else ()
    if len(shapes) > 1 or (
        len(first) in (2, 3, 4) and first[-1] in (6, 7) and first[:-2] in ((), (1,), (1, 1))
    ):
        # [1,6] is six classes sooner than one box
        return "classification" if len(shapes) == 1 and len(first) == 2 and first[0] == 1 else "ssd"
    if first and max(first) == np.prod(first):
        return "classification"
    if len(first) in (3, 4) and first[0] == 1:
        return "segmentation"
    found = ", ".join(words(shape) for shape in shapes) or "nothing"
    raise ConfigError(
        f"{name}: gives {found}, which is of no known kind (known: {', '.join(get_args(Kind))})"
    )


def _number_labels(name: str, kind: Kind, outputs: Outputs) -> tuple[str, ...]:
    (shape, *_) = (array.shape for array in outputs.values())
    if kind == "classification":
        return tuple(f"class {number}" for number in range(max(shape)))
    if kind == "segmentation" and len(shape) == 4 and shape[1] > 1:
        return tuple(f"class {number}" for number in range(shape[1]))
    raise ConfigError(f"{name}: how many labels it has cannot be seen; give --labels FILE, one label a line")


def _are_logits(kind: Kind, outputs: Outputs) -> bool:
    scores = next(iter(outputs.values()))
    if kind == "classification":
        return bool(scores.min() < 0 or scores.max() > 1 or abs(float(scores.sum()) - 1) > 0.01)
    has_scores = kind == "segmentation" and scores.ndim == 4 and scores.shape[1] > 1
    return has_scores and bool(scores.min() < 0 or scores.max() > 1)
