"""The `lenshub` command: run, look, explain."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.cli.app import app

__all__ = ["app"]


def __getattr__(name: str) -> Any:
    """Return `app` with all commands, imported when it is asked for: one command needs but its own module."""
    if name != "app":
        raise AttributeError(name)
    globals()["app"] = found = import_module("hub.cli.app").app
    return found
