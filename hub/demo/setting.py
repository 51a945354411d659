"""Lays out a demo's folder: configurations for hub and agent, ready to be looked at and run again."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub.demo.clips import Clip
from hub.devices import DeviceRegistry
from hub.errors import HubError

DEVICE = "Seattle01"  # a camera of the published system

_HUB = """\
# Written by `lenshub demo`. Look around with, for example: lenshub events -c {path}
[hub]
data_dir = "."

[mqtt]
port = {port}

[plugins.s3-archive]
folder = "archive"

[plugins.threshold-alerts]
labels = {labels}
min_confidence = 0.6
cooldown_s = 5

[plugins.tweet]
match = {{ labels = {labels}, min_confidence = 0.9 }}
"""
_RETRAINING = """
[plugins.retraining]
folder = "training"
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

[model]
path = "{model}"
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


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_folder(parent: Path) -> Path:
    """Make a new folder below `parent`; raises HubError."""
    folder = parent.resolve() / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise HubError(f"{folder}: cannot be made: {error.strerror}; choose another with --folder") from error
    return folder


def lay_out(parent: Path, clip: Clip, passes: int) -> DemoSetting:
    """Make a new folder below `parent` with everything a demo needs.

    Args:
        clip: What the agent's camera sees.
        passes: How often the agent plays the clip; 0 means without end.

    Raises:
        HubError: The folder cannot be written.
    """
    folder = new_folder(parent)
    setting, port = DemoSetting(folder), free_port()
    setting.hub_toml.write_text(_hub_settings(setting, clip, port), encoding="utf-8")
    setting.agent_toml.write_text(_agent_settings(setting, clip, port, passes), encoding="utf-8")
    password = folder / "agent.password"
    password.touch(mode=0o600)
    password.write_text(DeviceRegistry(folder / "broker").add(DEVICE), encoding="utf-8")
    return setting


def _hub_settings(setting: DemoSetting, clip: Clip, port: int) -> str:
    labels = json.dumps(clip.labels, ensure_ascii=False)
    text = _HUB.format(path=setting.hub_toml, port=port, labels=labels)
    return text + _RETRAINING if clip.boxes else text


def _agent_settings(setting: DemoSetting, clip: Clip, port: int, passes: int) -> str:
    return _AGENT.format(
        device=DEVICE,
        folder=setting.folder,
        port=port,
        clip=clip.path,
        passes=passes,
        model=clip.model_folder,
    )
