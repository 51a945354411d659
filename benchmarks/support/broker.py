"""A Mosquitto for one measurement, with the limits of the hub's private broker."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
START_S = 10.0
CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes false
autosave_interval 5
max_queued_messages 0
max_queued_bytes 536870912
max_inflight_messages 1000
set_tcp_nodelay true
connection_messages false
log_type error
user {user}
"""


def free_port() -> int:
    """Return a port of the loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run a broker that keeps its files in a new folder; gives its port."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        sys.exit("mosquitto is not installed, and the benchmark needs it: apt-get install mosquitto")
    folder.mkdir()
    port = free_port()
    user = "root" if os.getuid() == 0 else "mosquitto"
    config = folder / "mosquitto.conf"
    config.write_text(CONFIGURATION.format(port=port, host=HOST, folder=folder, user=user))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "-c", config], stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
