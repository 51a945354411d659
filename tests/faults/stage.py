"""Sets the stage in a folder: a broker configured like the private one, the hub, agents, receipt plugins."""

from __future__ import annotations

import json
import random
import shutil
import socket
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

from victim import Victim

from hub.broker import PrivateBroker, _as_mosquitto
from hub.devices import HUB_USER, DeviceRegistry

HERE = Path(__file__).parent
LENSHUB = str(Path(sys.executable).parent / "lenshub")
WINDOWS = {"receipts-a": 200, "receipts-b": 1000}
MESSAGE_BYTES = 1024 * 1024
IN_FLIGHT = 1000  # max_inflight_messages of the private broker: what a killed hub may see again
CONFIG = """\
[hub]
data_dir = "data"
[mqtt]
broker = "mqtt://127.0.0.1:{port}"
username = "{user}"
password_env = "HUB_PASSWORD"
"""
PLUGIN = """
[plugins.{name}]
use = "receipts"
window = {window}
start = "beginning"
file = {file}
"""


class Stage:
    """Everything of one run. `devices` may connect to the broker, as may the hub."""

    def __init__(self, folder: Path, devices: list[str], mutant: str | None) -> None:
        self.folder = folder
        self.devices = devices
        self.port = _free_port()
        self.data_dir = folder / "data"
        self.database = self.data_dir / "hub.sqlite"
        broker = folder / "broker"
        private = PrivateBroker(broker, self.port, MESSAGE_BYTES)
        broker.mkdir()
        self.passwords = {device: DeviceRegistry(broker).add(device) for device in devices}
        private._write_files()
        self._install_plugins()
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        command = [*_as_mosquitto(broker), mosquitto, "-c", str(broker / "mosquitto.conf")]
        self.broker = Victim("broker", command, folder / "broker.log", {})
        run = ["run", "--config", str(folder / "hub.toml")]
        program = [sys.executable, str(HERE / "mutant.py"), mutant] if mutant else [LENSHUB]
        env = {"PYTHONPATH": str(folder / "installed"), "HUB_PASSWORD": private.password}
        self.hub = Victim("hub", [*program, *run], folder / "hub.log", env)

    def agent(self, device: str, events: int, rate: float) -> Victim:
        """Return a device's agent, not started; it makes `events` records, `rate` a second."""
        folder = self.agent_folder(device)
        folder.mkdir()
        given = {"device": device, "port": self.port, "folder": folder, "events": events, "rate": rate}
        options = [f"--{name}={value}" for name, value in given.items()]
        command = [sys.executable, str(HERE / "agent.py"), *options]
        env = {"AGENT_PASSWORD": self.passwords[device]}
        return Victim(device, command, folder / "agent.log", env)

    def agent_folder(self, device: str) -> Path:
        """Return where a device's agent keeps its spool and its list."""
        return self.folder / device

    def receipts(self, plugin: str) -> Path:
        """Return the file of a plugin's receipts."""
        return self.folder / f"{plugin}.tsv"

    def _install_plugins(self) -> None:
        installed = self.folder / "installed"
        described = installed / "receipts-1.0.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text("Metadata-Version: 2.1\nName: receipts\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text("[lenshub.plugins]\nreceipts = receipts:Receipts\n")
        shutil.copy(HERE / "receipts.py", installed)
        config = CONFIG.format(port=self.port, user=HUB_USER)
        for name, window in WINDOWS.items():
            file = json.dumps(str(self.receipts(name)))
            config += PLUGIN.format(name=name, window=window, file=file)
        (self.folder / "hub.toml").write_text(config)

    def delivered(self) -> bool:
        """Whether every plugin's cursor has reached the newest event."""
        query = "SELECT (SELECT max(id) FROM events) = min(position) AND count(*) = ? FROM cursors"
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            return bool(database.execute(query, [len(WINDOWS)]).fetchone()[0])


def _free_port() -> int:
    """Return a port below those that the system gives to whoever asks for any: it stays free after a kill."""
    while True:
        port = random.randrange(10_000, 20_000)  # noqa: S311 - nothing secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
