"""Every command explains itself, and says plainly when there is nothing to show."""

from __future__ import annotations

import json
import re
import sqlite3

import pytest
import typer

from hub.cli import app


def commands(group=None, path=()):
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield (*path, name), command
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())
WITH_JSON = [path for path, command in COMMANDS.items() if any("--json" in p.opts for p in command.params)]
READING = [
    ("events",),
    ("explain", "1"),
    ("deliveries",),
    ("quarantine", "list"),
    ("quarantine", "show", "1"),
]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_of_a_command_says_what_it_does(lenshub, path):
    done = lenshub(*path, "--help")

    assert done.exit_code == 0
    assert len(COMMANDS[path].help.split()) >= 6
    assert all(option.help or option.param_type_name == "argument" for option in COMMANDS[path].params)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_paragraphs_of_help_are_broken_by_the_terminal_alone(path):
    assert not re.search(r"\S\n\S", COMMANDS[path].help)


def test_help_teaches_with_examples(lenshub):
    said = lenshub("--help").output

    for command in ("demo", "check", "device add porch", "run", "explain 42"):
        assert f"lenshub {command}" in said


@pytest.mark.parametrize(
    "name", ["pause", "resume", "retry", "replay", "explain", "check", "reload", "enable"]
)
def test_help_of_what_changes_a_hub_has_an_example(name):
    assert f"Example: lenshub {name}" in COMMANDS[name,].help


def test_examples_in_help_are_commands_that_exist():
    texts = [command.help for command in COMMANDS.values()] + [typer.main.get_command(app).epilog]
    found = {
        tuple(words.split()) for text in texts for words in re.findall(r"lenshub ([a-z]+(?: [a-z]+)?)", text)
    }

    assert found
    assert [words for words in found if words[:1] not in COMMANDS and words[:2] not in COMMANDS] == []


def test_listings_all_have_json():
    listings = [
        ("events",),
        ("explain",),
        ("plugins",),
        ("deliveries",),
        ("quarantine", "list"),
        ("device", "list"),
    ]

    assert [path for path in listings if path not in WITH_JSON] == []


@pytest.mark.parametrize("command", READING, ids=" ".join)
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_reading_without_a_store_is_one_clear_line(lenshub, folder, command, json):
    done = lenshub(*command, *json)

    assert done.exit_code == 1
    assert done.output.strip() == (
        f"{folder}/lenshub-data/hub.sqlite: there is no store yet; `lenshub run` makes it"
    )


def test_reading_a_store_of_another_version_says_what_to_do(lenshub, folder):
    assert lenshub("db", "upgrade").exit_code == 0
    store = sqlite3.connect(folder / "lenshub-data" / "hub.sqlite")
    store.execute("UPDATE alembic_version SET version_num = '0000'")
    store.commit()
    store.close()

    assert "is at revision 0000, this program needs" in lenshub("events").output


def test_database_is_made_and_shown(lenshub):
    assert lenshub("db", "current").output.startswith("database: none yet; this program: ")
    assert "(was none)" in lenshub("db", "upgrade").output
    assert "(was" not in lenshub("db", "upgrade").output


@pytest.mark.parametrize(
    "command", [("events",), ("deliveries",), ("quarantine", "list"), ("device", "list")], ids=" ".join
)
def test_listing_of_an_empty_store_says_nothing_is_there(lenshub, command):
    lenshub("db", "upgrade")
    done = lenshub(*command)

    assert (done.exit_code, "nothing" in done.output) == (0, True)
    assert lenshub(*command, "--json").output in {"[]\n", '{"counts": {}, "messages": []}\n'}


def test_device_is_added_listed_and_removed(lenshub, folder, require_program):
    require_program("mosquitto_passwd")
    added = lenshub("device", "add", "porch")
    assert 'username = "porch"' in added.stdout
    assert lenshub("device", "add", "porch").exit_code == 2
    assert [d["name"] for d in json.loads(lenshub("device", "list", "--json").output)] == ["porch"]
    assert lenshub("device", "remove", "porch").exit_code == 0
    assert lenshub("device", "remove", "porch").exit_code == 2


def test_device_is_refused_where_the_broker_is_not_ours(lenshub, folder):
    (folder / "hub.toml").write_text('[mqtt]\nbroker = "mqtt://host"\n')

    assert "is a broker of yours" in lenshub("device", "add", "porch").output


def test_help_of_classify_names_the_table_that_the_hub_needs(lenshub):
    assert "[http] listen" in lenshub("classify", "--help").output
