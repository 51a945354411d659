"""Several cameras in one agent, as a process: each goes its own way, and is told of by its name."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import edge.demo
from edge.model import SHIPPED
from hub.draw.picture import decode_picture
from hub.event import NewEvent

CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(broker: Any, tmp_path: Path) -> AsyncIterator[Start]:
    """A function that starts `lenshub-edge run` with tables of agent.toml; killed when the test ends."""
    started: list[Process] = []

    async def run(tables: str, *more: str) -> Process:
        agent = "[agent]\ndevice = 'cam-1'\nspool = 'spool.db'\nstatus_s = 1\n"
        url = f"[broker]\nurl = 'mqtt://127.0.0.1:{broker.port}'\n"
        (tmp_path / "agent.toml").write_text(agent + url + tables)
        command = [sys.executable, "-c", "from edge.cli import app; app()", "run", *more]
        started.append(await asyncio.create_subprocess_exec(*command, stderr=PIPE, stdout=PIPE, cwd=tmp_path))
        return started[-1]

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def camera(name: str, source: object, more: str = "") -> str:
    return f"[[cameras]]\nname = '{name}'\nsource = '{source}'\n{more}\n"


def events(hub: Any) -> list[NewEvent]:
    return [NewEvent.model_validate_json(line) for _, _, line, _ in hub.records]


async def test_agent_sends_what_every_camera_saw_when_it_has_several_files(start, small_hub, tmp_path):
    shutil.copytree(SHIPPED / "thumbs-up", tmp_path / "other")
    card = (tmp_path / "other" / "model.toml").read_text()
    (tmp_path / "other" / "model.toml").write_text(card.replace("thumbs-up", "other"))
    own = "pace = false\nevery = 2\nmodel = { path = 'other' }\ncapture = { new_object = true }"
    tables = camera("door", CLIP, "pace = false") + camera("yard", CLIP, own)
    agent = await start(tables, "--until-sent", "--json")
    out, _ = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 0
    told = events(small_hub)
    assert json.loads(out) == {"frames": 180, "events": len(told)}
    seen = Counter(event.attributes["camera"] for event in told)
    assert seen["door"] > 40
    assert 1 <= seen["yard"] <= 10
    models = {(event.attributes["camera"], event.model.name) for event in told if event.model}
    assert models == {("door", "thumbs-up"), ("yard", "other")}
    assert {model.name for model in small_hub.hellos[-1].models} == {"thumbs-up", "other"}


async def test_agent_goes_on_with_the_others_when_a_camera_is_lost_and_back(
    start, small_hub, network_camera, wait_until
):
    endless = "passes = 0\nmodel = { threads = 1 }"
    agent = await start(camera("door", network_camera.url) + camera("yard", CLIP, endless))
    await wait_until(lambda: [s for s in small_hub.statuses if s["state"] == "error"], 60)
    lost = next(s for s in small_hub.statuses if s["state"] == "error")  # it may be back by now
    assert "camera door (http://127.0.0.1:" in lost["text"]
    assert "yard" not in lost["text"]
    frames = lost["health"]["cameras"]["yard"]["frames"]
    await wait_until(lambda: small_hub.statuses[-1]["health"]["cameras"]["yard"]["frames"] > frames, 60)
    network_camera.pictures = 10**6
    await wait_until(lambda: small_hub.statuses[-1]["state"] == "online", 60)
    await wait_until(lambda: small_hub.statuses[-1]["health"]["cameras"]["door"]["up"], 60)
    agent.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(agent.wait(), 60) == 0


async def test_agent_goes_on_with_the_others_when_a_camera_never_answers(
    start, small_hub, silent_port, wait_until
):
    silent = camera("door", f"rtsp://user:secret-word@127.0.0.1:{silent_port}/1")
    display = "[display]\nlisten = '127.0.0.1:0'\n"
    agent = await start(display + silent + camera("yard", CLIP, "passes = 0\n"))
    page = (await asyncio.wait_for(agent.stderr.readline(), 60)).split()[-1].decode()
    await wait_until(lambda: len(small_hub.records) > 5, 60)
    assert {event.attributes["camera"] for event in events(small_hub)} == {"yard"}
    shown = await asyncio.to_thread(fetch, f"{page}frame.jpg?camera=yard")
    assert decode_picture(shown).shape == (480, 853, 3)
    figures = await asyncio.to_thread(fetch, f"{page}metrics")
    assert b'lenshub_edge_frames_total{camera="door"} 0' in figures
    agent.send_signal(signal.SIGTERM)
    _, log = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 0
    assert b"secret-word" not in log


async def test_agent_never_logs_the_password_of_an_rtsp_camera_that_comes_and_goes(
    start, small_hub, rtsp_camera, wait_until
):
    url = rtsp_camera.url.replace("//", "//user:secret-word@")
    agent = await start(camera("door", url) + "[model]\nthreads = 1\n")

    def health() -> dict[str, Any]:
        return small_hub.statuses[-1].get("health", {}) if small_hub.statuses else {}

    await wait_until(lambda: health().get("frames", 0) > 10, 60)
    rtsp_camera.kill()
    await wait_until(lambda: small_hub.statuses[-1]["state"] == "error", 60)
    assert "camera door (rtsp://127.0.0.1:" in small_hub.statuses[-1]["text"]
    rtsp_camera.start()
    await wait_until(lambda: small_hub.statuses[-1]["state"] == "online", 60)
    agent.send_signal(signal.SIGTERM)
    _, log = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 0
    assert b"well again" in log
    assert b"secret-word" not in log + json.dumps(small_hub.statuses).encode()
    assert b"WARN:" not in log


def fetch(url: str) -> bytes:
    with urlopen(url, timeout=30) as answer:  # noqa: S310 - of this machine
        return bytes(answer.read())


async def test_agent_sends_the_rest_and_exits_with_one_when_a_file_is_missing(start, small_hub):
    tables = camera("door", "missing.avi") + camera("yard", CLIP, "pace = false")
    agent = await start(tables, "--until-sent")
    _, log = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 1
    assert len(small_hub.records) > 40
    assert log.decode().count("camera door (missing.avi): missing.avi: no such file or folder") == 1
    assert b"Traceback" not in log


async def test_agent_ends_when_no_camera_gives_a_frame(start):
    agent = await start(camera("door", "missing.avi") + camera("yard", "missing.jpg"))
    _, log = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 1
    assert "no such file or folder (set camera.source)" in log.decode().splitlines()[-1]


async def test_agent_is_refused_in_one_line_when_openvino_has_no_such_device(start):
    agent = await start("[model]\ndevice = 'NPU.9'\n")
    _, log = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 2
    assert "device NPU.9: OpenVINO finds none here (known: AUTO, CPU" in log.decode()
    assert len(log.splitlines()) == 1
