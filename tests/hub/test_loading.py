"""Plugins come in by entry point; one that cannot run says why, and nothing it does gets any further."""

from __future__ import annotations

import pytest

from hub.loading import Broken, Loaded, installed_plugins, load_instance

GOOD = """
from pydantic import BaseModel
from hub.plugin import hookimpl

class Plugin:
    class Settings(BaseModel):
        model_config = {"extra": "forbid"}
        color: str = "red"

    def __init__(self, settings, context):
        self.settings, self.context = settings, context

    @hookimpl
    async def deliver(self, event, frame, delivery):
        return f"{event} {frame} {delivery}"
"""


def load(table, tmp_path, name="made"):
    return load_instance(name, table, tmp_path)


def test_plugin_is_found_by_its_entry_point(install, tmp_path):
    install("made", GOOD)
    found = load({"color": "blue", "timeout_s": 5}, tmp_path)

    assert isinstance(found, Loaded)
    assert found.plugin.settings.color == "blue"
    assert found.instance.settings.timeout_s == 5
    assert (found.plugin.context.name, found.plugin.context.data_dir) == ("made", tmp_path)


def test_built_in_plugins_use_the_same_door():
    assert {"s3-archive", "retraining", "threshold-alerts", "tweet"} <= installed_plugins().keys()


def test_plugin_runs_twice_under_two_names(install, tmp_path):
    install("made", GOOD)
    found = [load({"use": "made", "color": color}, tmp_path, color) for color in ("red", "blue")]

    assert [loaded.instance.name for loaded in found] == ["red", "blue"]
    assert found[0].plugin is not found[1].plugin


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ("event, frame, delivery", "e f d"),
        ("event", "e"),
        ("delivery, event", "d e"),
        ("", "none"),
        ("frame", "f"),
    ],
)
async def test_plugin_is_given_the_arguments_it_declares(install, tmp_path, arguments, note):
    body = f'return " ".join([{arguments}]) or "none"'
    source = GOOD.replace("self, event, frame, delivery", f"self, {arguments}")
    install("made", source.replace('return f"{event} {frame} {delivery}"', body))
    found = load({}, tmp_path)

    assert await found.instance.deliver("e", "f", "d") == note


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import not_there", "cannot be imported from {value}: ModuleNotFoundError: "),
        ("raise SystemExit(3)", "cannot be imported from {value}: SystemExit: 3"),
        ("def broken(:", "cannot be imported from {value}: SyntaxError: invalid syntax"),
        ("pass", "cannot be imported from {value}: AttributeError: "),
        ("class Plugin: pass", "{value} has no Settings model"),
        (GOOD.replace("self.settings,", "raise SystemExit('no')\n#"), "cannot be made: SystemExit: no"),
        (GOOD.replace("self, settings, context", "self"), "cannot be made: TypeError: "),
        (GOOD.replace("@hookimpl", ""), "implements no hook (deliver, marked with @hookimpl)"),
        (GOOD.replace("async def", "def"), "deliver must be `async def`"),
        (GOOD.replace("event, frame, delivery):", "event, picture):"), "does not fit the hooks: "),
        (GOOD.replace("def deliver", "def deliver_all"), "does not fit the hooks: "),
    ],
)  # fmt: skip
def test_plugin_that_cannot_run_says_why(install, tmp_path, source, problem):
    install("made", source)
    found = load({}, tmp_path)

    assert isinstance(found, Broken)
    value = installed_plugins()["made"].value
    assert found.problems[0].startswith("plugins.made: " + problem.format(value=value))


def test_plugin_with_bad_settings_names_them_all_with_what_is_known(install, tmp_path):
    install("made", GOOD)
    found = load({"colour": 1, "color": 3, "attempts": 0, "match": {"lables": []}}, tmp_path)

    known = "cameras, devices, labels, min_confidence, sources"
    every = (
        "attempts, color, concurrency, isolation, match, max_age_s, memory_mb, start, timeout_s, use, window"
    )
    assert sorted(found.problems) == [
        "plugins.made.attempts: Input should be greater than or equal to 1, found 0",
        "plugins.made.color: Input should be a valid string, found 3",
        "plugins.made.colour: unknown setting 'colour' (did you mean 'color'? known: " + every + ")",
        "plugins.made.match.lables: unknown setting 'lables' (did you mean 'labels'? known: " + known + ")",
    ]


def test_plugin_that_is_not_installed_names_those_that_are(tmp_path):
    found = load({"use": "twet"}, tmp_path)

    assert found.problems[0].startswith("plugins.made.use: no plugin 'twet' is installed (installed: ")
    assert "tweet" in found.problems[0]
