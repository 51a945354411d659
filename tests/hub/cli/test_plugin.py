"""`lenshub plugin new`, `plugin test` and `plugins show`."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

from hub.cli.shared import console
from hub.testing import make_event, make_picture
from hub.testing.stage import PluginStage


@pytest.mark.slow
def test_new_plugin_passes_its_own_tests_at_once(lenshub, folder):
    done = lenshub("plugin", "new", "door-bell")
    assert done.exit_code == 0, done.output
    place = folder / "lenshub-door-bell"
    project = tomllib.loads((place / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["lenshub.plugins"]
    assert entries == {"door-bell": "lenshub_door_bell:DoorBellPlugin"}
    assert "lenshub enable door-bell " in done.output

    command = [sys.executable, "-m", "pytest", "-q", "-W", "error"]
    ran = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "7 passed" in ran.stdout


def test_new_plugin_is_clean_in_the_eyes_of_the_linter(lenshub, folder):
    lenshub("plugin", "new", "door-bell")
    checks = [("check", "--select", "A,B,E,F,I,N,RET,RUF,SIM,UP,W"), ("format", "--check")]
    for check in checks:
        command = [sys.executable, "-m", "ruff", *check, "--line-length", "110", "--isolated", "."]
        ran = subprocess.run(command, cwd=folder / "lenshub-door-bell", capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", ["Bell", "a_b", "9a", "../x", "a--b", "-a", "a" * 41, "ベル", ""])
def test_new_plugin_needs_a_name_that_is_one(lenshub, folder, name):
    done = lenshub("plugin", "new", "--", name)

    assert (done.exit_code, list(folder.iterdir())) == (1, [])
    assert "cannot be a plugin's name: use small letters and digits" in done.output


def test_new_plugin_takes_neither_a_known_name_nor_a_used_folder(lenshub, folder):
    assert (
        "a plugin 'tweet' is installed already (plugins.tweet:Tweet)"
        in lenshub("plugin", "new", "tweet").output
    )
    (folder / "mine").mkdir()
    (folder / "mine" / "work").touch()
    done = lenshub("plugin", "new", "bell", "--into", "mine")

    assert (done.exit_code, done.output) == (1, "mine: is not empty; name another folder with --into\n")


def test_show_tells_settings_and_an_example(lenshub):
    said = lenshub("plugins", "show", "inbox").output

    assert "inbox, from plugins.inbox:Inbox; hooks: decode, sources, status" in said
    assert "number, above 0, at most 3600" in said
    assert '[plugins.inbox]\n# folder = "inbox"\n# every_s = 2.0\n' in said


def test_show_of_an_instance_is_of_what_it_uses(lenshub, folder):
    (folder / "hub.toml").write_text('[plugins.second]\nuse = "retraining"\n')
    told = json.loads(lenshub("plugins", "show", "second", "--json").output)

    assert told["plugin"] == "retraining"
    assert {"folder", "width", "height", "labels"} <= set(told["schema"]["properties"])
    assert told["example"].startswith('[plugins.second]\nuse = "retraining"\n')


def test_show_of_an_instance_tells_what_is_set_there_but_no_secrets(lenshub, folder):
    (folder / "hub.toml").write_text(
        '[plugins.bell]\nuse = "threshold-alerts"\nlabels = ["cup"]\nchannels = ["json://me:hidden@h"]\n'
        '[[plugins.bell.webhooks]]\nurl = "https://h/hidden"\n'
    )
    lines = lenshub("plugins", "show", "bell").output.splitlines()
    told = {line.split()[0]: line for line in lines if line}

    assert "hidden" not in "".join(lines)
    assert ' ["cup"] ' in told["labels"]
    assert ' [{ url = "..." }] ' in told["webhooks"]
    assert "https, at a public address" in told["webhooks.url"]


def test_show_prints_a_table_that_is_toml_on_a_narrow_terminal(lenshub, monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    said = lenshub("plugins", "show", "s3-archive").output
    table = said.split("[plugins.s3-archive]")[1].replace("\n# ", "\n")

    assert tomllib.loads(table)["storage_class"] == "STANDARD"


def test_show_of_what_is_not_installed_names_what_is(lenshub):
    done = lenshub("plugins", "show", "twet")

    assert done.exit_code == 1
    assert done.output.startswith(
        "no plugin 'twet' is installed (installed: inbox, isbn, rekognition, retraining, "
    )


def test_try_delivers_samples_with_every_fault(lenshub, folder):
    done = lenshub("plugin", "test", "retraining", "--json")
    assert done.exit_code == 0, done.output
    came = {(r["event"], r["fault"]): [a["outcome"] for a in r["attempts"]] for r in json.loads(done.output)}

    assert len(came) == 15
    assert came["a thumb, with a picture", "none"] == ["done"]
    assert came["a thumb, with a picture", "error"] == ["retrying", "done"]
    assert came["a thumb, with a picture", "crash"] == ["crashed", "done"]
    assert came["nothing seen", "none"] == ["skipped"]
    assert list(folder.iterdir()) == []  # what it wrote is gone


FAILING = """
from pydantic import BaseModel
from hub.plugin import hookimpl

class Plugin:
    class Settings(BaseModel):
        pass

    def __init__(self, settings, context):
        pass

    @hookimpl
    async def deliver(self, event):
        raise KeyError(event.device)
"""


def test_try_of_a_plugin_that_fails_says_so_with_its_exit_code(lenshub, install):
    install("failing", FAILING)
    done = lenshub("plugin", "test", "failing", "--fault", "duplicate")

    assert done.exit_code == 1
    assert "retrying (KeyError: 'sample') -> retrying (KeyError: 'sample')" in done.output
    assert "\nKeyError: 'sample'\n  /" in done.output
    assert done.output.count(" in deliver: raise KeyError(event.device)\n") == 1


def test_try_says_which_fault_does_not_apply(lenshub):
    said = lenshub("plugin", "test", "retraining", "--fault", "error").output

    assert "not applicable: it asked nothing of the hub" in said


def test_try_asks_before_it_uses_the_settings_of_hub_toml(lenshub, folder):
    (folder / "hub.toml").write_text('[plugins.retraining]\nfolder = "set"\n')
    refused = lenshub("plugin", "test", "retraining", given=b"n\n")
    assert (refused.exit_code, "for real? [y/N]" in refused.output) == (1, True)

    assert lenshub("plugin", "test", "retraining", "--yes", "--fault", "none").exit_code == 0


async def test_try_takes_stored_events(lenshub, folder):
    async with PluginStage.open("retraining", folder / "lenshub-data") as stage:
        await stage.store(make_event("cup", 0.8), make_picture())
    done = lenshub("plugin", "test", "retraining", "--event", "1", "--fault", "none", "--json")

    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.output)
    assert (report["event"], report["attempts"][0]["outcome"]) == ("event 1", "done")
    assert "no event 9; `lenshub events`" in lenshub("plugin", "test", "retraining", "--event", "9").output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nobody",), "no plugin 'nobody' is in hub.toml or installed (there are: inbox, "),
        (("inbox",), "plugin inbox has no deliver; `lenshub decode` shows what it decodes"),
        (("tweet", "--fault", "fire"), "--fault fire: unknown (known: none, duplicate, error, slow, crash)"),
    ],
)
def test_try_that_cannot_begin_says_why(lenshub, arguments, text):
    done = lenshub("plugin", "test", *arguments)

    assert done.exit_code == 1
    assert text in done.output
