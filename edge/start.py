"""What every command that runs something does first: read the configuration, and start the log."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.errors import ConfigError

if TYPE_CHECKING:
    from edge.config import AgentConfig

CONFIG = Path("agent.toml")
# OpenCV and FFmpeg would write lines of their own at every attempt to open a camera that is away.
QUIET = {"OPENCV_LOG_LEVEL": "SILENT", "OPENCV_FFMPEG_LOGLEVEL": "-8"}
ConfigOption = Annotated[
    Path | None, typer.Option(help="The configuration; ./agent.toml if there is one.", show_default=False)
]


def find_config(given: Path | None) -> Path | None:
    """Return the configuration's file: the one that was given, else ./agent.toml if there is one."""
    return given or (CONFIG if CONFIG.is_file() else None)


def read_given(config: Path | None, overrides: dict[str, dict[str, Any]]) -> AgentConfig:
    """Return the configuration, with what was given on the command line put over it.

    Args:
        config: The file that was given, if any.
        overrides: Values by table; those that are None were not given.

    Raises:
        ConfigError: The file is missing, cannot be read or is wrong; with every problem.
    """
    from edge.config import read_config

    given = {
        table: {key: value for key, value in values.items() if value is not None}
        for table, values in overrides.items()
    }
    path = find_config(config)
    if path is None and "device" not in given.get("agent", {}):
        raise ConfigError(
            f"{CONFIG}: there is none here (give --config FILE; `lenshub device add` on the hub prints one)"
        )
    return read_config(path, {table: values for table, values in given.items() if values})


def start_log() -> None:
    """Write the log to stderr, a line for each record. To be called before OpenCV is imported."""
    quiet_opencv()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # the link reports outages itself, once


def quiet_opencv() -> None:
    """Let OpenCV and FFmpeg say nothing by themselves. To be called before OpenCV is imported."""
    for name, silent in QUIET.items():
        os.environ.setdefault(name, silent)
