"""Which instances a changed gate concerns."""

from __future__ import annotations

from pathlib import Path

from hub.gate.naming import list_changed, list_problems
from hub.gate.settings import GateSettings

TEXT = GateSettings(model=Path("text"))
TABLES = {"a": {"images": {"gate": "text"}}, "b": {"images": {"gate": "other"}}, "c": {"images": 3}, "d": {}}


def test_instances_of_a_gate_are_changed_when_its_threshold_is():
    other = TEXT.model_copy(update={"threshold": 0.7})
    assert list_changed(TABLES, {"text": TEXT, "other": TEXT}, {"text": other, "other": TEXT}) == {"a"}


def test_instances_of_a_gate_are_changed_when_it_is_new_or_gone():
    assert list_changed(TABLES, {"text": TEXT}, {"other": TEXT}) == {"a", "b"}
    assert list_changed(TABLES, {"text": TEXT}, {"text": TEXT}) == set()


def test_gate_that_an_instance_asks_for_and_nobody_has_is_a_problem():
    assert list_problems({"text": TEXT}, TABLES) == ["plugins.b.images.gate: there is no [gates.other]"]
