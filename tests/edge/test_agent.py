"""The whole agent as a process: camera, model, spool and link, over a real Mosquitto to a small hub."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.demo
from edge.spool import Spool
from hub.draw.picture import decode_picture
from hub.event import Frame, NewEvent

CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def spool_path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
async def start(broker: Any, spool_path: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """A function that starts `lenshub-edge run` with further options; killed when the test ends."""
    started: list[Process] = []
    options = ["--device", "cam-1", "--broker", f"mqtt://127.0.0.1:{broker.port}", "--spool", spool_path]

    async def run(*more: str | Path) -> Process:
        command = [sys.executable, "-c", "from edge.cli import app; app()", "run", *options, *more]
        started.append(
            await asyncio.create_subprocess_exec(*command, stderr=PIPE, stdout=DEVNULL, cwd=tmp_path)
        )
        return started[-1]

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_agent_sends_an_event_with_its_frame_for_each_frame_that_shows_something(
    start, small_hub, spool_path
):
    agent = await start("--source", CLIP, "--no-pace", "--until-sent", "--passes", "2", "--every", "2")
    assert await asyncio.wait_for(agent.wait(), 60) == 0
    events = [NewEvent.model_validate_json(line) for _, _, line, _ in small_hub.records]
    truth = json.loads(CLIP.with_suffix(".json").read_text())["frames"]
    seen = {event.attributes["frame_number"] for event in events}
    assert len(seen & {entry["frame"] for entry in truth if entry["thumbs_up"]}) >= 40
    assert {event.attributes["pass"] for event in events} == {1, 2}
    with Spool.open(spool_path) as spool:
        assert spool.pending == 0


async def test_agent_event_tells_all_that_was_promised(start, small_hub):
    agent = await start("--source", CLIP, "--no-pace", "--until-sent")
    assert await asyncio.wait_for(agent.wait(), 60) == 0
    _, seq, line, picture = small_hub.records[0]
    event = NewEvent.model_validate_json(line)
    assert (seq, event.source, event.device, event.model.name) == (1, "edge", "cam-1", "thumbs-up")
    assert isinstance(event.frame, Frame)
    assert event.frame.digest == hashlib.sha256(picture).hexdigest()
    assert decode_picture(picture).shape == (event.frame.height, event.frame.width, 3) == (360, 640, 3)
    assert event.attributes == {
        "frame_number": 0,
        "pass": 1,
        "input_width": 192,
        "input_height": 192,
        "fit": "letterbox",
    }


async def test_agent_says_what_it_watches_and_that_the_source_has_ended(start, small_hub):
    agent = await start("--source", CLIP, "--no-pace", "--until-sent")
    _, error = await asyncio.wait_for(agent.communicate(), 60)
    said = error.decode()
    assert f"INFO agent watches {CLIP} with thumbs-up 2 on CPU\n" in said
    assert "INFO the sources have ended; the rest is sent\n" in said


async def test_agent_stops_cleanly_when_it_gets_sigterm(start, small_hub, spool_path, wait_until):
    agent = await start("--source", CLIP, "--passes", "0")
    await wait_until(lambda: len(small_hub.records) > 2)
    agent.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(agent.wait(), 60) == 0
    await wait_until(lambda: len(small_hub.statuses) == 2)
    assert [status["state"] for status in small_hub.statuses] == ["online", "offline"]
    Spool.open(spool_path).close()


async def test_agent_sends_what_it_had_spooled_when_it_was_killed(
    start, broker, make_hub, spool_path, tmp_path, wait_until
):
    agent = await start("--source", CLIP, "--no-pace", "--passes", "0")
    await wait_until(lambda: spool_path.with_name("spool.db-wal").exists())
    await wait_until(lambda: spool_path.with_name("spool.db-wal").stat().st_size > 500_000)
    agent.kill()
    await agent.wait()
    with Spool.open(spool_path) as spool:
        left = spool.pending
    cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((36, 64, 3), np.uint8))
    async with make_hub() as hub:
        again = await start("--source", tmp_path / "empty.png", "--no-pace", "--until-sent")
        assert await asyncio.wait_for(again.wait(), 60) == 0
    assert [seq for _, seq in hub.numbers] == list(range(1, left + 1))


async def test_agent_ends_with_one_line_when_the_file_is_missing(start):
    agent = await start("--source", "missing.avi")
    _, error = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 1
    assert error.decode().splitlines()[-1] == "missing.avi: no such file or folder (set camera.source)"
    assert b"Traceback" not in error


async def test_agent_reports_an_error_when_there_is_no_camera(start, small_hub, wait_until):
    agent = await start("--source", "99")
    await wait_until(lambda: [s for s in small_hub.statuses if s["state"] == "error"])
    assert "there is no such camera" in small_hub.statuses[-1]["text"]
    agent.terminate()
    assert await asyncio.wait_for(agent.wait(), 60) == 0


async def test_agent_ends_with_one_line_when_another_has_the_spool(start, spool_path):
    with Spool.open(spool_path):
        agent = await start("--source", CLIP)
        _, error = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 1
    assert b"another agent has this spool open" in error


async def test_agent_tells_how_it_is_and_when_the_camera_is_lost_and_back(
    start, small_hub, network_camera, tmp_path, wait_until
):
    (tmp_path / "agent.toml").write_text("[agent]\ndevice = 'cam-1'\nstatus_s = 1\n")
    agent = await start("--config", tmp_path / "agent.toml", "--source", network_camera.url)
    await wait_until(lambda: [s for s in small_hub.statuses if s["state"] == "error"])
    lost = next(s for s in small_hub.statuses if s["state"] == "error")  # it may be back by now
    assert "it gives no frames" in lost["text"]
    network_camera.pictures = 10**6
    await wait_until(lambda: small_hub.statuses[-1]["state"] == "online")
    await wait_until(lambda: small_hub.statuses[-1]["health"]["frames"] > lost["health"]["frames"])
    agent.terminate()
    assert await asyncio.wait_for(agent.wait(), 60) == 0
