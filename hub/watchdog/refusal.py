"""Makes an instance, unless it is held back: at the start and when hub.toml is read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.loading import Broken, Loaded, load_instance
from hub.watchdog.held_back import HeldBack
from hub.watchdog.steps import context_for


def load_unless_held(name: str, table: Mapping[str, Any], data_dir: Path, held: HeldBack) -> Loaded | Broken:
    """Make one instance; one that is held back is not even imported."""
    if reason := held.refusal(name):
        return Broken(name, (reason,), table.get("start") == "beginning", "held back")
    return context_for(name).run(load_instance, name, table, data_dir)
