"""A plugin that writes a receipt for each delivery: the event's id and key, one line, at once to the file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from hub.event import Event
from hub.plugin import PluginContext, hookimpl


class Receipts:
    """Appends to `file`; a receipt is one write, so a kill leaves it whole or absent."""

    class Settings(BaseModel):
        """Where the receipts go."""

        file: Path

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._file = settings.file.open("ab", buffering=0)

    @hookimpl
    async def deliver(self, event: Event) -> None:
        """Write one receipt."""
        self._file.write(f"{event.id}\t{event.key or ''}\n".encode())
