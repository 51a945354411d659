"""Says what is wrong with an instance; one that is to run in a process of its own is made in one for that."""

from __future__ import annotations

import asyncio

from hub.isolation.isolated import Isolated, PluginFailed
from hub.loading import Broken, Loaded


def list_problems(found: Broken | Loaded) -> tuple[str, ...]:
    """Return everything wrong with an instance's settings and code; it is made and not entered. Blocks."""
    if isinstance(found, Broken):
        return found.problems
    return _try_out(found.plugin) if isinstance(found.plugin, Isolated) else ()


def _try_out(isolated: Isolated) -> tuple[str, ...]:
    try:
        asyncio.run(isolated.try_out())
    except PluginFailed as error:
        return error.problems
    except OSError as error:
        return (f"plugins.{isolated.name}: no process can be started: {error.strerror}",)
    return ()
