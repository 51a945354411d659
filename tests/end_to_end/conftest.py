"""Whole-program tests: a real `lenshub run` with its private Mosquitto, spoken to over MQTT."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.wire.connection import Connection, Received
from hub.wire.protocol import Ack, Position, ack_topic, event_topic, upward

LENSHUB = str(Path(sys.executable).with_name("lenshub"))
EPOCH = "0123456789abcdef"
# `lenshub` where neither Mosquitto, which Debian keeps beside the PATH, nor the modules in sys.argv[1] are.
WITHOUT = """
import sys
import hub.broker
hub.broker.SBIN = ""
sys.modules.update(dict.fromkeys(filter(None, sys.argv.pop(1).split(","))))
from hub.cli import app
app()
"""


class Hub:
    """A hub's folder with its hub.toml, and the process that runs on it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.site = folder / "site"
        self.site.mkdir()
        self.log_path = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.program = [LENSHUB]
        self.env = dict(os.environ, PYTHONPATH=str(self.site), NO_COLOR="1", COLUMNS="300")
        self.configure("")

    def configure(self, more: str, mqtt: str = "") -> None:
        """Write hub.toml: `mqtt` goes into its section, `more` after it."""
        text = f'[hub]\ndata_dir = "data"\n[mqtt]\nport = {self.port}\n{mqtt}\n'
        (self.folder / "hub.toml").write_text(text + textwrap.dedent(more))

    def do_without(self, *names: str) -> None:
        """Have it run as if Mosquitto, and these modules, were not installed."""
        self.program = [sys.executable, "-c", WITHOUT, ",".join(names)]
        self.env["PATH"] = str(self.site)

    def install(self, name: str, source: str) -> None:
        """Install a made plugin as a distribution of its own."""
        module = f"made_{name.replace('-', '_')}"
        sys.modules.pop(module, None)  # of an earlier test in this process
        (self.site / f"{module}.py").write_text(textwrap.dedent(source))
        info = self.site / f"{module}-0.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 0.0\n")
        (info / "entry_points.txt").write_text(f"[lenshub.plugins]\n{name} = {module}:Plugin\n")

    def start(self, until: str = "mqtt.connected") -> None:
        """Start it and return once its log says so."""
        with self.log_path.open("ab") as log:
            at = log.tell()
            self.process = subprocess.Popen(
                [*self.program, "run", "-c", str(self.folder / "hub.toml")], env=self.env, stderr=log
            )
        deadline = time.monotonic() + 100
        while until not in self.log(at):
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the hub did not start: {self.log(at)}")
            time.sleep(0.02)

    def log(self, at: int = 0) -> str:
        return self.log_path.read_bytes()[at:].decode()

    def stop(self) -> int:
        """Tell it to stop, as a service manager would; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Run a command and return what it prints; its exit code must be `code`.

        It runs in this process (a program's start takes a second), in a thread (it has its own loop).
        """
        runner = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "300"})
        command = [*arguments, "-c", str(self.folder / "hub.toml")]
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(runner.invoke, app, command).result(200)
        assert done.exit_code == code, f"{done.output} {done.exception!r}"
        return done.output

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json"))

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder}/data/hub.sqlite?mode=ro", uri=True)) as store:
            return store.execute(query, values).fetchall()

    def count(self, table: str = "events") -> int:
        return int(self.sql(f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608 - a test's own name

    def broker_pid(self) -> int:
        return int((self.folder / "data" / "broker" / "pid").read_text())

    def add_device(self, name: str) -> str:
        return str(self.json("device", "add", name)["password"])


class Sender:
    """A device: it sends on its own topics, QoS 1, and hears its acks."""

    def __init__(self, connection: Connection, device: str) -> None:
        self.connection = connection
        self.device = device
        self.seq = 0

    def say(self, **members: Any) -> bytes:
        now = datetime.now(UTC).isoformat()
        seen = [{"label": "thumbs-up", "confidence": 0.93}]
        return json.dumps({"captured_at": now, "detections": seen, **members}).encode()

    def record(self, payload: bytes | None = None) -> int:
        """Send the next record of the line."""
        self.seq += 1
        topic = event_topic(Position(self.device, EPOCH, self.seq))
        self.connection.publish_soon(topic, self.say() if payload is None else payload)
        return self.seq

    def plain(self, payload: bytes) -> None:
        """Send as an old DeepLens function does."""
        self.connection.publish_soon(f"$aws/things/{self.device}/infer", payload)

    def hello(self, nonce: str) -> None:
        said = {"epoch": EPOCH, "first": 1, "next": self.seq + 1, "now": datetime.now(UTC).isoformat()}
        payload = json.dumps({**said, "agent": "test", "nonce": nonce}).encode()
        self.connection.publish_soon(upward(self.device, "hello"), payload)

    async def heard(self) -> list[Received]:
        return await self.connection.receive()

    async def acked(self, seq: int, timeout_s: float = 60) -> None:
        """Wait until the hub says that a record is committed."""
        async with asyncio.timeout(timeout_s):
            while True:
                for message in await self.heard():
                    if Ack.model_validate_json(message.payload).seq >= seq:
                        return

    async def delivered(self, timeout_s: float = 60) -> None:
        """Wait until the broker has taken everything."""
        async with asyncio.timeout(timeout_s):
            while self.connection.unsent:  # noqa: ASYNC110 - the broker's answers are not an event of ours
                await asyncio.sleep(0.01)


@pytest.fixture
def hub(
    tmp_path: Path, free_port: int, require_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    """A hub that is not running yet; whatever runs at the end is killed."""
    require_program("mosquitto")
    made = Hub(tmp_path, free_port)
    monkeypatch.syspath_prepend(made.site)
    yield made
    made.kill()


@pytest.fixture
def hub_without_mosquitto(tmp_path: Path, free_port: int) -> Iterator[Hub]:
    """A hub, not running yet, that finds no Mosquitto; whatever runs at the end is killed."""
    made = Hub(tmp_path, free_port)
    made.do_without()
    yield made
    made.kill()


@pytest.fixture
def device(hub: Hub) -> Callable[..., Any]:
    """A function that registers a device and connects as it: `async with device("porch") as sender`."""

    @asynccontextmanager
    async def connect(name: str = "porch", password: str | None = None) -> AsyncIterator[Sender]:
        password = password or hub.add_device(name)
        async with Connection(
            "127.0.0.1", hub.port, client_id=name, username=name, password=password, max_in_flight=1000
        ) as connection:
            await connection.subscribe([ack_topic(name)])
            yield Sender(connection, name)

    return connect
