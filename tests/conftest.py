"""What tests of every folder share: programs they need, ports, deadlines, and a real MQTT broker."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, settings

LOOPBACK = "127.0.0.1"
BROKER_CONFIG = """\
listener {port} {host}
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 0
user {user}
"""

FIRST_PORT, PORTS_OF_WORKER, WORKERS = 20_000, 750, 16

Condition = Callable[[], object]
WaitUntil = Callable[..., Awaitable[None]]

# Here, since a property takes the settings that hold where it is imported. A busy machine is no failure, and
# each machine tries the same examples.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


class Broker:
    """A real Mosquitto without persistence on a free port of the loopback; anybody may connect.

    It can be stopped, killed and started again; its port stays the same. `lines` are of its configuration.
    """

    host = LOOPBACK

    def __init__(self, program: str, port: int, folder: Path, lines: str = "") -> None:
        self.port = port
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        config = folder / "mosquitto.conf"
        # Started as root it would become the user mosquitto, who cannot read a test's temporary folder.
        user = "root" if os.geteuid() == 0 else "mosquitto"
        config.write_text(BROKER_CONFIG.format(port=port, host=LOOPBACK, user=user) + lines)
        self._command = [program, "-c", str(config)]

    def start(self) -> None:
        """Start it and return once it accepts connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"mosquitto did not start: {self._log.read_text()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in an orderly way; nothing happens if it is not running."""
        self._end("terminate")

    def kill(self) -> None:
        """End it as a crash would; nothing happens if it is not running."""
        self._end("kill")

    def _end(self, how: str) -> None:
        if self._process is not None:
            getattr(self._process, how)()
            self._process.wait(60)
            self._process = None

    def _accepts(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """A function from a program's name to its path: a missing one skips the test, and fails it in CI."""

    def find(name: str) -> str:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if path is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
        return path

    return find


@pytest.fixture(scope="session")
def mosquitto_path(require_program: Callable[[str], str]) -> str:
    """The path of Mosquitto; without it the test skips, and fails in CI."""
    return require_program("mosquitto")


@pytest.fixture(scope="session")
def find_free_port() -> Callable[[], int]:
    """A function that returns a TCP port of the loopback that nobody else gets before the test listens.

    To who binds 0 or connects, Linux gives ports from 32768 on; these lie below, each worker of xdist has its
    own, and none comes twice within a few tests.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
    first = FIRST_PORT + worker * PORTS_OF_WORKER
    turn = count(os.getpid())  # others may test on this machine, too

    def find() -> int:
        while True:
            port = first + next(turn) % PORTS_OF_WORKER
            with socket.socket() as probe, suppress(OSError):
                probe.bind((LOOPBACK, port))
                return port

    return find


@pytest.fixture
def free_port(find_free_port: Callable[[], int]) -> int:
    """A TCP port of the loopback that nobody listens on."""
    return find_free_port()


@pytest.fixture
def broker(mosquitto_path: str, free_port: int, tmp_path: Path) -> Iterator[Broker]:
    """A running Mosquitto with `host`, `port`, `start()`, `stop()` and `kill()`."""
    folder = tmp_path / "broker"
    folder.mkdir()
    running = Broker(mosquitto_path, free_port, folder)
    running.start()
    yield running
    running.kill()


class Certificates:
    """An authority, and PEM files of certificates that it signs: `name.pem` with `name.key`, and `ca.pem`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))

    def issue(self, name: str, *hosts: str, **more: Any) -> tuple[Path, Path]:
        """Make a certificate with the common name `name`, for hosts; return its file and its key's."""
        made = self._authority.issue_cert(*(hosts or (name,)), common_name=name, **more)
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert_file.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(key_file))
        return cert_file, key_file

    def listener(self, *hosts: str, **more: Any) -> str:
        """Lines of Mosquitto's configuration for a listener with TLS, by default for the loopback."""
        cert_file, key_file = self.issue("server", *(hosts or (LOOPBACK,)), **more)
        return f"cafile {self.ca_file}\ncertfile {cert_file}\nkeyfile {key_file}\n"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """An authority made for this test."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    return Certificates(folder)


@pytest.fixture
def start_broker(mosquitto_path: str, free_port: int, tmp_path: Path) -> Iterator[Callable[[str], Broker]]:
    """A function that starts a Mosquitto with further lines of configuration, once."""
    started: list[Broker] = []

    def start(lines: str) -> Broker:
        folder = tmp_path / "broker"
        folder.mkdir()
        started.append(Broker(mosquitto_path, free_port, folder, lines))
        started[-1].start()
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.fixture
def wait_until() -> WaitUntil:
    """An async `wait_until(condition, timeout_s=60)`; the condition is a function, async or not."""

    async def wait(condition: Condition, timeout_s: float = 60) -> None:
        async with asyncio.timeout(timeout_s):
            while not await _holds(condition):  # noqa: ASYNC110 - conditions are outside: files, processes
                await asyncio.sleep(0.01)

    return wait


async def _holds(condition: Condition) -> bool:
    found = condition()
    return bool(await found if inspect.isawaitable(found) else found)
