"""Can the pictures be shown where agent.toml says?"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from edge.check.finding import RUNNING, Finding, State
from edge.config import find_token
from edge.display.fifo import check_fifo
from hub.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import DisplayTable


def check_display(table: DisplayTable, *, free: bool) -> list[Finding]:
    """Return the findings about the page and the FIFO, if they are wanted; nothing is made."""
    found: list[Finding] = []
    if table.listen is not None:
        found.append(_check_page(table, free=free))
    if table.fifo is not None:
        found.append(_check_fifo(table.fifo))
    return found


def _check_page(table: DisplayTable, *, free: bool) -> Finding:
    host, port = table.address
    try:
        find_token(table)
        if not free:
            return _found("skipped", RUNNING)
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except ConfigError as error:
        return _found("wrong", str(error))
    except OSError as error:
        return _found(
            "wrong", f"display.listen: {table.listen}: {os.strerror(error.errno or 0)} (set another)"
        )
    return _found("ok", f"{table.listen} is free for the page")


def _check_fifo(path: Path) -> Finding:
    try:
        there = check_fifo(path)
    except ConfigError as error:
        return _found("wrong", str(error))
    return _found("ok", f"{path} {'is there' if there else 'can be made at the first start'}")


def _found(state: State, text: str) -> Finding:
    return Finding(part="display", state=state, text=text)
