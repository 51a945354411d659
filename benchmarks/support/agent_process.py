"""The camera agent as a program of its own, watched as by a browser, and what can be seen from outside."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
from support.broker import HOST, free_port

import edge.demo

SIZE = (640, 480)
START_S = 60.0
CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")
SETTINGS = """\
[agent]
device = "bench"
spool = "{folder}/spool.db"
publish_empty = {publish_empty}
[broker]
url = "mqtt://127.0.0.1:{port}"
[camera]
source = "{clip}"
passes = 0
pace = {pace}
[capture]
min_interval_s = {min_interval_s}
[display]
listen = "127.0.0.1:{display}"
"""


def write_clip(path: Path, fps: float) -> Path:
    """Write the demo's clip at 640 x 480 without compression, so that nothing but the agent is measured.

    Its frames are planes of luminance and colour (I420), which must be made BGR like a camera's (YUYV).
    """
    video = cv2.VideoCapture(str(CLIP))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"I420"), fps, SIZE)
    while (read := video.read())[0]:
        writer.write(cv2.resize(read[1], SIZE))
    writer.release()
    return path


class AgentProcess:
    """A running agent whose display somebody watches."""

    def __init__(self, process: subprocess.Popen[bytes], display: int) -> None:
        self._process, self._display = process, display

    def figures(self) -> dict[str, Any]:
        """Return what the agent counts."""
        with urllib.request.urlopen(f"http://{HOST}:{self._display}/health.json", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def peak_mb(self) -> float:
        """Return the most memory it had resident, in MB (2**20 bytes)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        if found is None:
            raise RuntimeError("the agent has ended")
        return int(found[1]) / 1024

    def wait_for_frames(self, frames: int) -> None:
        """Wait until it has looked at so many."""
        deadline = time.monotonic() + START_S
        while True:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the agent does not start")
            try:
                if self.figures()["frames"] > frames:
                    return
            except OSError:
                pass  # its display does not listen yet
            time.sleep(0.05)

    def watch(self) -> None:
        """Look at the display until the agent ends."""
        with socket.create_connection((HOST, self._display)) as viewer:
            viewer.sendall(b"GET /stream.mjpeg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while viewer.recv(2**16):
                pass


@contextmanager
def running_agent(
    folder: Path, port: int, clip: Path, *, pace: bool, min_interval_s: float = 0, publish_empty: bool = False
) -> Iterator[AgentProcess]:
    """Run an agent with somebody looking, once it is at work; stop it as an operator would.

    Args:
        folder: For its configuration, spool and log.
        port: The broker's.
        clip: Played again and again.
        pace: At its own pace, not as fast as the agent looks.
        min_interval_s: Between two events.
        publish_empty: Make an event of each frame, whatever it shows.
    """
    folder.mkdir(exist_ok=True)
    display, config = free_port(), folder / "agent.toml"
    config.write_text(
        SETTINGS.format(
            folder=folder,
            port=port,
            clip=clip,
            display=display,
            pace=json.dumps(pace),
            publish_empty=json.dumps(publish_empty),
            min_interval_s=min_interval_s,
        )
    )
    command = [sys.executable, "-c", "from edge.cli import app; app()", "run", "--config", str(config)]
    with (
        (folder / "agent.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            agent = AgentProcess(process, display)
            agent.wait_for_frames(20)
            watching = threading.Thread(target=agent.watch, name="viewer", daemon=True)
            watching.start()
            yield agent
        finally:
            process.terminate()
    watching.join()
