"""Plugins come in by entry point; one that cannot run says why, and nothing it does gets any further."""

from __future__ import annotations

import pytest

from hub.dispatch.instance import InstanceSettings
from hub.dispatch.match import Match
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


DECODE = """
    @hookimpl
    def decode(self, message):
        return f"read {message}"
"""
RAISE_CONFIG_ERROR = (
    "from hub.errors import ConfigError; raise ConfigError('classes.folder: is not there')\n#"
)
VALIDATOR = """
def look_up(settings):
    return {}[settings.color]

from pydantic import model_validator
class Settings(Plugin.Settings):
    _check = model_validator(mode="after")(look_up)
Plugin.Settings = Settings
"""
SOURCES = """
    @hookimpl
    def sources(self):
        return []
"""
CLASSIFY = """
    @hookimpl
    async def classify(self, image, calls):
        return None
"""
BEGIN_BATCH = """
    @hookimpl
    async def begin_batch(self, batch):
        pass
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
        ("raise KeyboardInterrupt('me')", "cannot be imported from {value}: KeyboardInterrupt: me"),
        (GOOD.replace("self.settings,", "raise KeyboardInterrupt\n#"), "cannot be made: KeyboardInterrupt"),
        (GOOD.replace("self.settings,", "raise OSError('a\\udcffb')\n#"), "cannot be made: OSError: a b"),
        (GOOD.replace("self.settings,", RAISE_CONFIG_ERROR), "classes.folder: is not there"),
        (GOOD + VALIDATOR, "its Settings failed: KeyError: 'red'"),
        (GOOD.replace("@hookimpl", ""), "implements no hook (deliver, "),
        (GOOD.replace("async def", "def"), "deliver must be `async def`"),
        (GOOD.replace("event, frame, delivery):", "event, picture):"), "does not fit the hooks: "),
        (GOOD + SOURCES, "has sources, but no decode to read their messages"),
        (GOOD + CLASSIFY, "has classify, but no decode to read its answers"),
        (GOOD + DECODE + CLASSIFY + BEGIN_BATCH, "has one of begin_batch and end_batch; it needs both"),
        (GOOD + DECODE.replace("def", "async def"), "decode must be `def`"),
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

    known = ", ".join(sorted(Match.model_fields))
    every = ", ".join(sorted([*InstanceSettings.model_fields, "color"]))
    assert sorted(found.problems) == [
        "plugins.made.attempts: Input should be greater than or equal to 1, found 0",
        "plugins.made.color: Input should be a valid string, found 3",
        "plugins.made.colour: unknown setting 'colour' (did you mean 'color'? known: " + every + ")",
        "plugins.made.match.lables: unknown setting 'lables' (did you mean 'labels'? known: " + known + ")",
    ]


def test_instance_with_a_bad_match_names_what_is_wrong_in_the_plugins_own_settings_too(install, tmp_path):
    install("made", GOOD)
    found = load_instance("mine", {"use": "made", "match": {"labels": "cat"}, "color": 3}, tmp_path)

    assert isinstance(found, Broken)
    assert found.problems == (
        'plugins.mine.match.labels: must be a list, such as ["a", "b"], found \'cat\'',
        "plugins.mine.color: Input should be a valid string, found 3",
    )


@pytest.mark.parametrize("isolation", ["process", "proces", 1])
def test_code_that_is_to_be_isolated_is_not_imported_for_its_problems(install, tmp_path, isolation):
    install("made", f"open({str(tmp_path / 'imported')!r}, 'w')\n" + GOOD)
    found = load({"isolation": isolation, "attempts": 0}, tmp_path)

    assert isinstance(found, Broken)
    assert not (tmp_path / "imported").exists()


def test_plugin_that_is_not_installed_names_those_that_are(tmp_path):
    found = load({"use": "twet"}, tmp_path)

    assert found.problems[0].startswith("plugins.made.use: no plugin 'twet' is installed (installed: ")
    assert "tweet" in found.problems[0]


def test_plugin_may_bring_messages_and_deliver_nothing(install, tmp_path):
    install("made", GOOD.replace("@hookimpl\n    async def deliver", "async def other") + DECODE + SOURCES)
    found = load({}, tmp_path)

    assert (found.delivers, sorted(found.hooks)) == (False, ["decode", "sources"])
    assert found.hooks["decode"]("it") == "read it"


def test_plugin_that_decodes_cannot_have_the_name_of_a_decoder_of_ours(install, tmp_path):
    install("made", GOOD + DECODE)
    found = load({"use": "made"}, tmp_path, "edge")

    assert found.problems == (
        "plugins.edge: is a name of the hub's own; name an instance that decodes otherwise",
    )


@pytest.mark.parametrize(
    ("source", "images", "problem"),
    [
        (GOOD, {"upload": True}, "images: this plugin has no classify hook; leave the setting out"),
        (
            GOOD + DECODE + CLASSIFY,
            {"batch": {"backlog": 3}},
            "images.batch: this plugin has no begin_batch hook; leave the setting out",
        ),
    ],
)
def test_images_table_that_does_nothing_is_said(install, tmp_path, source, images, problem):
    install("made", source)

    assert load({"images": images}, tmp_path).problems == (f"plugins.made.{problem}",)
