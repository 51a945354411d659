"""The private broker: a Mosquitto that the hub starts, restarts, and takes down with itself."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
from collections import deque
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hub.devices import HUB_USER, DeviceRegistry
from hub.errors import ConfigError
from hub.listener import Listener

if TYPE_CHECKING:
    from hub.embedded_broker import EmbeddedBroker

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
QUEUED_BYTES = 512 * 1024 * 1024  # for a hub that is away; what overflows is counted in $SYS and reported
START_S = 30.0
STOP_S = 5.0
RESTART_PAUSE_S = 0.5
OURS_S = 0.1
RENEW_S = 24 * 3600.0
SBIN = "/usr/sbin:/usr/local/sbin"
HOW_TO_INSTALL = (
    "mosquitto is not installed, and the private broker needs it: `apt-get install mosquitto`, or to try it "
    "out without, `pip install 'lenshub[embedded]'`, "
    'or set mqtt.broker = "mqtt://host:port" to use a broker of yours'
)
_CONFIGURATION = """\
# Written by LensHub at each start; changes are lost.
listener {port} {host}
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/rules
use_username_as_clientid true
persistence true
persistence_location {folder}/
autosave_on_changes false
autosave_interval 5
max_queued_messages 0
max_queued_bytes {queued_bytes}
max_inflight_messages 1000
max_packet_size {message_bytes}
set_tcp_nodelay true
connection_messages false
log_dest stderr
log_type error
log_type warning
pid_file {folder}/pid
"""
_RULES = """\
# Written by LensHub at each start. A device writes its own upward topics and reads its own ack.
user {hub}
topic read #
topic read $aws/things/+/infer
topic read $SYS/broker/publish/messages/dropped
topic write lenshub/v1/+/ack
pattern write lenshub/v1/%u/hello
pattern write lenshub/v1/%u/events/#
pattern write lenshub/v1/%u/gap
pattern write lenshub/v1/%u/status
pattern read lenshub/v1/%u/ack
pattern write $aws/things/%u/infer
"""


WHOLE_PREFIX = "+/#"
"""As a topic filter: whatever begins with the device's own name."""


def _rules_of(topics: Collection[str]) -> str:
    """Return a rule for each filter with a place for the device; without one nobody may write there."""
    rules = [f"pattern write {topic.replace('+', '%u', 1)}\n" for topic in topics if "+" in topic]
    if WHOLE_PREFIX in topics:
        rules += [_keep_out(topic) for topic in topics if not topic.startswith(("+", "#"))]
    return "".join(rules)


def _keep_out(topic: str) -> str:
    """Return the rule against a device whose name begins other devices' topics: they are not its own."""
    return f"user {topic.split('/')[0]}\ntopic deny {topic}\n"


class PrivateBroker:
    """An async context in which a Mosquitto serves on the loopback; `password` is the hub's own.

    Args:
        folder: Where its files are kept.
        message_bytes: The largest payload it takes.
        listener: Where it also listens, with TLS; None for nowhere.
        topics: Filters that devices write besides our own; the first + is the device's name.

    Raises:
        ConfigError: On entering: Mosquitto is not installed, a port is in use, or a certificate is unusable.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        message_bytes: int,
        listener: Listener | None = None,
        topics: Collection[str] = (),
    ) -> None:
        self.port = port
        self._rules = _RULES.format(hub=HUB_USER) + _rules_of(topics)
        self._listener = listener
        self._renewing: asyncio.Task[None] | None = None
        self.password = secrets.token_urlsafe(24)
        self._folder = folder
        self._message_bytes = message_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: deque[str] = deque(maxlen=5)
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if find_mosquitto() is None:
            raise ConfigError(HOW_TO_INSTALL)
        await asyncio.to_thread(self._write_files)
        await self._wait_for_port()
        await self._start()
        watch = asyncio.get_running_loop().create_task(self._keep_running(), name="private broker")
        self._tasks.add(watch)
        if self._listener is not None:
            renewing = self._keep_renewing(self._listener)
            self._renewing = asyncio.get_running_loop().create_task(renewing, name="broker certificate")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        if self._renewing is not None:
            self._renewing.cancel()
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await asyncio.gather(*self._tasks)

    async def _keep_renewing(self, listener: Listener) -> None:
        """Each day take up the certificate anew: a hub may run for longer than one is valid."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await asyncio.to_thread(self._renew, listener)
            except (ConfigError, OSError) as error:
                log.error("broker.certificate cannot be renewed: %s", error)  # noqa: TRY400 - all is said

    def _renew(self, listener: Listener) -> None:
        listener.write_certificate(self._folder)
        _hand_over(self._folder)
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)  # Mosquitto reads certificates again; connections stay

    def _write_files(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        registry = DeviceRegistry(self._folder)
        registry.set_password(HUB_USER, self.password)
        configuration = _CONFIGURATION.format(
            port=self.port,
            host=HOST,
            folder=self._folder,
            queued_bytes=QUEUED_BYTES,
            message_bytes=self._message_bytes,
        )
        if not _reachable_for_mosquitto(self._folder):
            log.warning(
                "broker.root %s is not reachable for user mosquitto; the broker runs as root", self._folder
            )
            configuration += "user root\n"
        if self._listener is not None:
            self._listener.write_certificate(self._folder)
            configuration += self._listener.configuration(self._folder)
            log.info("broker.open %s, with TLS and credentials only", self._listener.url)
            for problem in self._listener.list_problems():
                log.warning("broker.certificate %s", problem)
        (self._folder / "mosquitto.conf").write_text(configuration, encoding="utf-8")
        (self._folder / "rules").write_text(self._rules, encoding="utf-8")
        _hand_over(self._folder)

    async def _wait_for_port(self) -> None:
        """Give a predecessor a moment to go: a killed hub's broker ends just after it."""
        deadline = asyncio.get_running_loop().time() + STOP_S
        while self._listener is not None and (obstacle := self._listener.find_obstacle()):
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigError(f"mqtt.listen: {obstacle}")
            await asyncio.sleep(0.1)
        while _port_in_use(self.port):
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigError(
                    f"mqtt.port: port {self.port} on {HOST} is in use by another program; "
                    "choose another in hub.toml, or stop that program"
                )
            await asyncio.sleep(0.1)

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *_as_mosquitto(self._folder),
            find_mosquitto() or "mosquitto",
            "-c",
            str(self._folder / "mosquitto.conf"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        listening = asyncio.get_running_loop().create_task(self._listen(self._process), name="broker log")
        self._tasks.add(listening)
        listening.add_done_callback(self._tasks.discard)
        deadline = asyncio.get_running_loop().time() + START_S
        while not (_port_in_use(self.port) and _takes_hangups(self._process.pid)):
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                said = "; ".join(self._complaints) or f"exit code {self._process.returncode}"
                raise ConfigError(f"the private broker does not start: {said}")
            await asyncio.sleep(0.02)
        await self._check_it_is_ours(self._process)

    async def _check_it_is_ours(self, process: asyncio.subprocess.Process) -> None:
        """Something answers on the port; if it is another program, our broker ends at once."""
        try:
            async with asyncio.timeout(OURS_S):
                await process.wait()
        except TimeoutError:
            return
        said = "; ".join(self._complaints) or f"exit code {process.returncode}"
        raise ConfigError(f"mqtt.port: port {self.port} on {HOST} is taken by another program ({said})")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was opened with a pipe
        async for line in process.stderr:
            said = line.decode(errors="replace").strip()
            self._complaints.append(said)
            log.info("broker.says %s", said)

    async def _keep_running(self) -> None:
        while True:
            if self._process is not None:
                await self._process.wait()
            if self._stopping:
                return
            log.warning("broker.died; starting it again")
            await asyncio.sleep(RESTART_PAUSE_S)
            try:
                await self._start()
            except ConfigError as error:
                log.error("broker.down %s", error)  # noqa: TRY400 - the line says it all


def find_mosquitto() -> str | None:
    """Return Mosquitto's path; Debian keeps it where only root's PATH looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=SBIN)


def has_private_broker() -> bool:
    """Whether anything is installed that can be the private broker."""
    return find_mosquitto() is not None or find_spec("amqtt") is not None


def make_private_broker(
    folder: Path,
    port: int,
    message_bytes: int,
    listener: Listener | None = None,
    topics: Collection[str] = (),
) -> PrivateBroker | EmbeddedBroker:
    """Return the private broker, not entered: Mosquitto, or amqtt where only that is installed.

    Raises:
        ConfigError: There is only amqtt, and `listener` asks for a door to the network.
    """
    if find_mosquitto() is None and has_private_broker():
        if listener is not None:
            raise ConfigError(
                "mqtt.listen: the broker inside the hub stays on the loopback; "
                "for the network install Mosquitto (`apt-get install mosquitto`)"
            )
        from hub.embedded_broker import EmbeddedBroker

        return EmbeddedBroker(folder, port, message_bytes)
    return PrivateBroker(folder, port, message_bytes, listener, topics)


def _port_in_use(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _takes_hangups(pid: int) -> bool:
    """Whether SIGHUP has a process read its files again; Mosquitto listens first, and would end until then.

    True where the system does not say.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return True
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return caught is None or bool(int(caught[1], 16) >> (signal.SIGHUP - 1) & 1)


def _mosquitto_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("mosquitto") if os.getuid() == 0 else None
    except KeyError:
        return None


def _reachable_for_mosquitto(folder: Path) -> bool:
    """Whether user mosquitto can get to a folder through its parents; always so when not root."""
    if os.getuid() != 0:
        return True
    return _mosquitto_user() is not None and all(parent.stat().st_mode & 0o001 for parent in folder.parents)


def _hand_over(folder: Path) -> None:
    """Give the broker's files to the user it runs as, readable for nobody else."""
    user = _mosquitto_user() if _reachable_for_mosquitto(folder) else None
    for path in (folder, *folder.iterdir()):
        if user is not None:
            os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o700 if path.is_dir() else 0o600)


def _as_mosquitto(folder: Path) -> list[str]:
    """Return the command in front of mosquitto's that makes it end with the hub, even if the hub is killed.

    As root, Mosquitto would change its user itself, which clears the parent-death signal.
    """
    if shutil.which("setpriv") is None:
        log.warning(
            "broker.orphan setpriv (util-linux) is not installed; a killed hub leaves its broker running"
        )
        return []
    if _mosquitto_user() is None or not _reachable_for_mosquitto(folder):
        return ["setpriv", "--pdeathsig", "TERM"]
    identity = ["--reuid", "mosquitto", "--regid", "mosquitto", "--clear-groups"]
    return ["setpriv", *identity, "--pdeathsig", "TERM"]
