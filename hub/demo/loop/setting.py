"""Lays out the loop's folder: a hub that captures what teaches, and the agents of a camera in the dark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.demo.setting import DEVICE, DemoSetting, free_port, new_folder
from hub.devices import DeviceRegistry

_HUB = """\
# Written by `lenshub demo --retrain`. Look around with, for example: lenshub review list -c {path}
[hub]
data_dir = "."

[mqtt]
port = {port}

[review]
second_share = 0           # one reviewer says enough here

[plugins.retraining]
folder = "training"
near_threshold = {{ band = 0.4 }}
negative = {{ share = 0.3, misses = 0.4 }}
confident = {{ min_confidence = 0.9, share = 0.2 }}
"""
_AGENT = """\
# Written by `lenshub demo --retrain`: the agent of a camera, with pictures in the camera's place.
[agent]
device = "{device}"
spool = "{folder}/spool.db"

[broker]
url = "mqtt://127.0.0.1:{port}"
username = "{device}"
password_file = "{folder}/agent.password"

[camera]
source = "{pictures}"
pace = false

[model]
path = "{model}"
"""
_SAMPLING = """
[sampling]                 # also tell of what may have been missed
candidates_from = 0.1
candidates_every_s = 0
empty_share = 0.3
"""


@dataclass(frozen=True, slots=True)
class LoopSetting(DemoSetting):
    """Where the loop's things lie."""

    port: int

    @property
    def shown(self) -> Path:
        """The pictures that are learnt from."""
        return self.folder / "shown"

    @property
    def held_out(self) -> Path:
        """The pictures that nothing is learnt from."""
        return self.folder / "held-out"

    @property
    def exam(self) -> Path:
        """The same with what is true of them, as a training set."""
        return self.folder / "held-out-set"

    @property
    def dataset(self) -> Path:
        """The training set that is exported."""
        return self.folder / "set"

    @property
    def model(self) -> Path:
        """The new model's folder."""
        return self.folder / "new-model"

    def agent_of(self, name: str, pictures: Path, model: Path, *, samples: bool) -> Path:
        """Write the configuration of an agent that looks at pictures with a model; return its path.

        Args:
            samples: Also tell of pictures without a detection.
        """
        path = self.folder / f"{name}.toml"
        text = _AGENT.format(
            device=DEVICE,
            folder=self.folder,
            port=self.port,
            pictures=pictures,
            model=model,
        )
        path.write_text(text + _SAMPLING * samples, encoding="utf-8")
        return path


def lay_out_loop(parent: Path) -> LoopSetting:
    """Make a new folder below `parent` with a hub's settings and a camera's password; raises HubError."""
    setting = LoopSetting(new_folder(parent), free_port())
    setting.hub_toml.write_text(_HUB.format(path=setting.hub_toml, port=setting.port), encoding="utf-8")
    password = setting.folder / "agent.password"
    password.touch(mode=0o600)
    password.write_text(DeviceRegistry(setting.folder / "broker").add(DEVICE), encoding="utf-8")
    return setting
