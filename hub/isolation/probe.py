"""Says what is wrong with an instance that is to run in a process of its own, by making it in one."""

from __future__ import annotations

import asyncio

from hub.isolation.isolated import Isolated, PluginFailed


def try_out(isolated: Isolated) -> tuple[str, ...]:
    """Return everything wrong with an instance's settings and code; it is made and not entered. Blocks."""
    try:
        asyncio.run(isolated.try_out())
    except PluginFailed as error:
        return error.problems
    except OSError as error:
        return (f"plugins.{isolated.name}: no process can be started: {error.strerror}",)
    return ()
