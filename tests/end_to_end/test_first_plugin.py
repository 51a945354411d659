"""Plugins as strangers ship them: written, built, installed from a wheel, enabled, an event delivered."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "writing-plugins.md"
BIRDHOUSE = Path(__file__).parents[2] / "examples" / "lenshub-birdhouse"


def run(*command, cwd, **env):
    ran = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def pip():
    """Return the environment for `python -m pip`: without one installed, that which Python carries."""
    if importlib.util.find_spec("pip"):
        return {}
    import ensurepip

    (wheel,) = Path(ensurepip.__file__).with_name("_bundled").glob("pip-*.whl")
    return {"PYTHONPATH": str(wheel)}


def install(hub, package, folder):
    """Build a package's wheel, without a network, and install that into the hub's folder of modules."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=package)
    (wheel,) = folder.glob("*.whl")
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", "--target", str(hub.site))
    run(sys.executable, "-m", "pip", "install", *options, str(wheel), cwd=folder, **pip())


def own_tests(package):
    said = run(sys.executable, "-m", "pytest", "-q", "-W", "error", cwd=package)
    assert "passed" in said


@pytest.mark.slow
async def test_plugin_from_an_empty_folder_to_an_event_delivered(hub, wait_until, tmp_path):
    began = time.monotonic()
    package = tmp_path / "lenshub-door-bell"
    run(hub.program[0], "plugin", "new", "door-bell", cwd=tmp_path)
    own_tests(package)
    hub.configure("")
    hub.start()
    install(hub, package, tmp_path / "wheels")
    assert "plugins.door-bell: added, runs" in hub.cli("enable", "door-bell")
    assert "plugins.inbox: added, runs" in hub.cli("enable", "inbox")
    (told,) = re.findall(r"^echo '(.*)' > lenshub-data/inbox/one\.json$", TUTORIAL.read_text(), re.MULTILINE)
    inbox = hub.folder / "data" / "inbox"
    await wait_until(inbox.is_dir)
    (inbox / "one.json").write_text(told)
    text = hub.folder / "data" / "door-bell" / "1.txt"
    await wait_until(text.exists)
    print(f"from an empty folder to an event delivered: {time.monotonic() - began:.1f} s")  # noqa: T201

    assert text.read_text() == "seen: person (90%) on door\n"
    assert "door" in hub.cli("events")
    await wait_until(lambda: "1.txt" in hub.cli("explain", "1"))
    assert hub.stop() == 0


@pytest.mark.slow
async def test_example_runs_from_its_wheel_with_decoder_and_source(hub, device, wait_until, tmp_path):
    own_tests(BIRDHOUSE)
    install(hub, BIRDHOUSE, tmp_path / "wheels")
    journal = tmp_path / "attic.log"
    journal.write_text("wren;0.8\n")
    topics = '[mqtt.topics]\n"birds/+/seen" = "birdhouse"\n'
    hub.configure(f'[plugins.birdhouse]\njournal = "{journal}"\n', topics)
    hub.start()
    async with device("oak") as sender:
        sender.connection.publish_soon("birds/oak/seen", b"robin;0.93")
        diary = hub.folder / "data" / "diary"
        await wait_until(lambda: len(list(diary.rglob("*.txt"))) == 2)

    pages = {page.read_text() for page in diary.rglob("*.txt")}
    assert pages == {"wren visits attic\n", "robin visits oak\n"}
    await wait_until(lambda: journal.with_name("attic.log.taken").exists())
    assert (hub.site / "lenshub_birdhouse.py").exists()
    assert hub.stop() == 0
