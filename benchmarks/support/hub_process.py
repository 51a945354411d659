"""A real `lenshub run` in a folder of its own, and what can be seen of it from outside."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

POLL_S = 0.01
DEADLINE_S = 600.0
STOP_S = 30.0
NOOPS = "".join(f'[plugins.noop-{number}]\nuse = "noop"\n' for number in (1, 2, 3))
FOUR_NOOPS = NOOPS + '[plugins.noop-4]\nuse = "noop"\n'
STOPWATCH_AND_NOOPS = NOOPS + "[plugins.stopwatch]\n"
_SOURCE = Path(__file__).with_name("measured_plugins.py")
_ENTRY_POINTS = """\
[lenshub.plugins]
noop = measured_plugins:Noop
stopwatch = measured_plugins:Stopwatch
hanging = measured_plugins:Hanging
classifier = measured_plugins:Classifier
"""


class HubProcess:
    """A running hub, looked at through /proc and its database."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def memory_mb(self, field: str) -> float:
        """Return VmRSS (now) or VmHWM (highest so far), in MB (2**20 bytes)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
        if found is None:
            raise RuntimeError("the hub has ended")
        return int(found[1]) / 1024

    def cpu_s(self) -> float:
        """Return the CPU seconds it has used, all threads together."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until(self, condition: Callable[[], bool]) -> float:
        """Look every 10 ms until a condition holds; return that moment's Unix time."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"the hub does not get there: {(self._folder / 'log').read_text()[-2000:]}"
                )
            time.sleep(POLL_S)
        return time.time()

    def wait_until_connected(self) -> None:
        """Wait until it hears what is published."""
        self.wait_until(lambda: "mqtt.connected" in (self._folder / "log").read_text())


def write_settings(folder: Path, port: int, plugins: str) -> None:
    """Make a hub's folder: hub.toml with plugin tables as given, and the plugins that are measured."""
    installed = folder / "installed"
    metadata = installed / "measured-0.0.dist-info"
    metadata.mkdir(parents=True)
    shutil.copy(_SOURCE, installed)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: measured\nVersion: 0.0\n")
    (metadata / "entry_points.txt").write_text(_ENTRY_POINTS)
    mqtt = f'[mqtt]\nbroker = "mqtt://127.0.0.1:{port}"\n'
    (folder / "hub.toml").write_text(f'[hub]\ndata_dir = "data"\n{mqtt}{plugins}')


@contextmanager
def running_hub(folder: Path) -> Iterator[HubProcess]:
    """Run the hub of a folder, and stop it as an operator would."""
    command = [Path(sys.executable).with_name("lenshub"), "run", "--config", folder / "hub.toml"]
    environment = os.environ | {"PYTHONPATH": str(folder / "installed")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield HubProcess(process, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def database_of(folder: Path) -> Iterator[Callable[[str], Any]]:
    """Give a function that asks the hub's database, read-only, for the first value of a query."""
    uri = f"file:{folder / 'data' / 'hub.sqlite'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)) as connection:
        yield lambda query: connection.execute(query).fetchone()[0]


def stored(ask: Callable[[str], Any], messages: int) -> Callable[[], bool]:
    """Return the condition that so many events are committed."""
    return lambda: bool(ask("SELECT coalesce(max(id), 0) FROM events") >= messages)


def dispatched(ask: Callable[[str], Any], messages: int) -> Callable[[], bool]:
    """Return the condition that so many events are committed and every plugin's cursor has passed them."""
    committed = stored(ask, messages)
    return lambda: committed() and ask("SELECT min(position) FROM cursors") >= messages
