"""Which instances have which gate, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.errors import ConfigError
from hub.gate.card import find_model, read_card
from hub.gate.settings import GateSettings


def find_gate(table: Mapping[str, Any]) -> object:
    """Return the gate that an instance's table names."""
    images = table.get("images")
    return images.get("gate") if isinstance(images, dict) else None


def list_changed(
    tables: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, GateSettings],
    after: Mapping[str, GateSettings],
) -> set[str]:
    """Return the instances whose gate has other settings than before."""
    gates = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return {name for name, table in tables.items() if find_gate(table) in gates}


def list_problems(gates: Mapping[str, GateSettings], tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each gate without a model, and each instance whose gate there is not."""
    problems = []
    for name, settings in gates.items():
        try:
            if settings.model is not None:
                read_card(find_model(settings.model))
        except ConfigError as error:
            problems += [f"gates.{name}.model: {line}" for line in error.problems]
    for name, table in tables.items():
        if (gate := find_gate(table)) is not None and gate not in gates:
            problems.append(f"plugins.{name}.images.gate: there is no [gates.{gate}]")
    return problems
