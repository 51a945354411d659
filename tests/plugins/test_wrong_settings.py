"""Every setting of every built-in plugin wrong, one at a time and all together: each is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from hub.dispatch.instance import InstanceSettings
from hub.dispatch.match import Match
from hub.dispatch.suppress.settings import Suppress
from hub.loading import Broken, installed_plugins, load_instance

NAMES = ("inbox", "rekognition", "retraining", "s3-archive", "threshold-alerts", "tweet")
# One of these suits no setting: they are of every kind that TOML has.
KINDS: tuple[Any, ...] = (-1, {"no": {"such": "table"}}, [[]], "\x00", 7.5, True)
COMMON = [
    *InstanceSettings.model_fields,
    *(f"match.{name}" for name in Match.model_fields),
    *(f"suppress.{name}" for name in Suppress.model_fields),
]


def settings_of(plugin: str) -> list[str]:
    """Return every setting that a table of this plugin may have, with its place."""
    return [*places_in(installed_plugins()[plugin].load().Settings), *COMMON]


def places_in(model: type[BaseModel]) -> Iterator[str]:
    """Yield a model's settings, each before the members of its table."""
    for name, field in model.model_fields.items():
        yield name
        optional = isinstance(field.annotation, UnionType)
        for kind in get_args(field.annotation) if optional else (field.annotation,):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from (f"{name}.{member}" for member in places_in(kind))


def nested(place: str, value: Any) -> dict[str, Any]:
    for name in reversed(place.split(".")):
        value = {name: value}
    return value


def problems_of(plugin: str, table: dict[str, Any], folder: Path) -> tuple[str, ...]:
    found = load_instance(plugin, table, folder)
    return found.problems if isinstance(found, Broken) else ()


def wrong_value(plugin: str, setting: str, folder: Path) -> tuple[Any, tuple[str, ...]]:
    """Return a value that this setting refuses, and what is said of it."""
    for value in KINDS:
        found = problems_of(plugin, nested(setting, value), folder)
        if any(line.startswith(f"plugins.{plugin}.{setting}") for line in found):
            return value, found
    pytest.fail(f"{setting} takes everything")


@pytest.mark.parametrize("plugin", NAMES)
def test_each_setting_that_is_wrong_is_named_alone(plugin: str, tmp_path: Path) -> None:
    for setting in settings_of(plugin):
        value, found = wrong_value(plugin, setting, tmp_path)
        own = [line for line in found if line.startswith(f"plugins.{plugin}.{setting}")]
        told = ("found ", "known: ", "installed: ", "is missing", "leave the setting out")
        assert own, (setting, found)
        assert all(any(word in line for word in told) for line in own), (setting, value, own)
        assert all(len(line) < 1500 and line.isprintable() for line in own)


@pytest.mark.parametrize("plugin", NAMES)
def test_all_settings_that_are_wrong_are_named_together(plugin: str, tmp_path: Path) -> None:
    table: dict[str, Any] = {"colour": 1}
    # Where `use` or `isolation` are wrong the plugin is not imported, so that its own settings are not known.
    found_places = settings_of(plugin)
    above = {"use", "isolation", *(place.rpartition(".")[0] for place in found_places)}
    places = [place for place in found_places if place not in above]
    for place in places:
        value, _ = wrong_value(plugin, place, tmp_path)
        inside = table
        *tables, last = place.split(".")
        for name in tables:
            inside = inside.setdefault(name, {})
        inside[last] = value
    found = problems_of(plugin, table, tmp_path)

    unnamed = [p for p in places if not any(line.startswith(f"plugins.{plugin}.{p}") for line in found)]
    assert unnamed == []
    assert any(line.startswith(f"plugins.{plugin}.colour: unknown setting") for line in found)


def test_negatives_that_can_choose_nothing_are_refused(tmp_path: Path) -> None:
    (problem,) = problems_of("retraining", {"negative": {"share": 0, "misses": 0}}, tmp_path)
    assert "plugins.retraining.negative" in problem
    assert "chooses nothing" in problem
    assert not problems_of("retraining", {"negative": {"share": 0}}, tmp_path)
