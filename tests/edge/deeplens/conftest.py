"""What the tests of DeepLens compatibility share: old models, a camera's pictures, and the command."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hub.wire.connection import Connection

FUNCTIONS = Path(__file__).with_name("functions")
PROGRAM = str(Path(sys.executable).with_name("lenshub-edge"))
THING = "deeplens_X"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder that old_models.py writes."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, str(Path(__file__).with_name("old_models.py")), str(folder)], check=True)
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with one picture, which a camera would give again and again."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "one.png"), np.full((90, 160, 3), 128, np.uint8))
    return folder


@pytest.fixture
def has_ended() -> Callable[[int], bool]:
    """A function from a process's id to whether it has ended, reaped or not."""

    def look(pid: int) -> bool:
        try:
            return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True

    return look


@dataclass
class Run:
    """A running function: what the broker heard of it, and after the end what the command said."""

    process: asyncio.subprocess.Process
    log: Path
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    code: int | None = None
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def printed(self) -> str:
        """What the command has said so far."""
        return self.log.read_text()

    @property
    def payloads(self) -> list[str]:
        """What arrived on the infer topic."""
        return [payload.decode() for topic, payload in self.heard if topic.endswith("/infer")]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for topic, payload in self.heard if topic.endswith("/status")]

    async def stop(self) -> None:
        """Stop it as Ctrl-C does, and keep what it said."""
        if self.process.returncode is None:
            self.process.terminate()
        out, _ = await self.process.communicate()
        self.code = self.process.returncode
        self.report = json.loads(out) if out else {}


@pytest.fixture
async def run_function(
    broker: Any, models: Path, pictures: Path, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[Run]]]:
    """A function that starts `lenshub-edge lambda` on one of functions/ or a path."""
    runs: list[Run] = []
    async with Connection(broker.host, broker.port, client_id="listener") as connection:
        await connection.subscribe(["$aws/things/+/infer", "lenshub/#"])

        async def start(
            function: str | Path, *, model_dir: Path = models, options: Sequence[str] = (), **variables: str
        ) -> Run:
            log = tmp_path / f"log-{len(runs)}"
            with log.open("wb") as errors:
                process = await asyncio.create_subprocess_exec(
                    *(PROGRAM, "lambda", str(FUNCTIONS / function), "--thing", THING, "--json"),
                    *("--model-dir", str(model_dir), "--source", str(pictures), "--size", "640x360"),
                    *("--broker", f"mqtt://{broker.host}:{broker.port}", "--spool", str(tmp_path / "out.db")),
                    *options,
                    env=os.environ | {"TEST_FIFO": str(tmp_path / "fifo")} | variables,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                )
            runs.append(Run(process, log))
            return runs[-1]

        async def listen() -> None:
            while True:
                burst = await connection.receive()
                connection.acknowledge(burst)
                runs[-1].heard.extend((message.topic, message.payload) for message in burst)

        listening = asyncio.create_task(listen())
        yield start
        listening.cancel()
        await asyncio.wait([listening])
    for run in runs:
        if run.process.returncode is None:
            run.process.kill()
            await run.process.wait()
