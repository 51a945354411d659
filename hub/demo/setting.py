"""Lays out a demo's folder: configurations for hub and agent, ready to be looked at and run again."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from hub.devices import DeviceRegistry
from hub.errors import HubError

DEVICE = "Seattle01"  # a camera of the published system
CLIP = Path(str(resources.files("edge"))) / "demo" / "thumbs.webm"
TRUTH = CLIP.with_suffix(".json")

_HUB = """\
# Written by `lenshub demo`. Look around with, for example: lenshub events -c {path}
[hub]
data_dir = "."

[mqtt]
port = {port}

[plugins.s3-archive]
folder = "archive"

[plugins.retraining]
folder = "training"

[plugins.threshold-alerts]
labels = ["thumbs-up"]
min_confidence = 0.6
cooldown_s = 5

[plugins.tweet]
match = {{ labels = ["thumbs-up"], min_confidence = 0.9 }}
"""
_AGENT = """\
# Written by `lenshub demo`: the agent of a camera, with the shipped clip in the camera's place.
[agent]
device = "{device}"
spool = "{folder}/spool.db"

[broker]
url = "mqtt://127.0.0.1:{port}"
username = "{device}"
password_file = "{folder}/agent.password"

[camera]
source = "{clip}"
passes = {passes}
"""


@dataclass(frozen=True, slots=True)
class DemoSetting:
    """Where a demo's things lie."""

    folder: Path

    @property
    def hub_toml(self) -> Path:
        """The hub's configuration."""
        return self.folder / "hub.toml"

    @property
    def agent_toml(self) -> Path:
        """The agent's configuration."""
        return self.folder / "agent.toml"

    def log(self, program: str) -> Path:
        """Where a program's log goes."""
        return self.folder / f"{program}.log"


def clip_seconds() -> float:
    """Return how long the shipped clip plays."""
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    return len(truth["frames"]) / float(truth["fps"])


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lay_out(parent: Path, passes: int) -> DemoSetting:
    """Make a new folder below `parent` with everything a demo needs.

    Args:
        passes: How often the agent plays the clip; 0 means without end.

    Raises:
        HubError: The folder cannot be written.
        ConfigError: Mosquitto's tools are not installed.
    """
    folder = parent.resolve() / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise HubError(f"{folder}: cannot be made: {error.strerror}; choose another with --folder") from error
    setting, port = DemoSetting(folder), free_port()
    setting.hub_toml.write_text(_HUB.format(path=setting.hub_toml, port=port), encoding="utf-8")
    agent = _AGENT.format(device=DEVICE, folder=folder, port=port, clip=CLIP, passes=passes)
    setting.agent_toml.write_text(agent, encoding="utf-8")
    password = folder / "agent.password"
    password.touch(mode=0o600)
    password.write_text(DeviceRegistry(folder / "broker").add(DEVICE), encoding="utf-8")
    return setting
