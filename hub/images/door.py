"""Opens and closes the hub's door for pictures by HTTP, as configured; aiohttp is imported where it opens."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hub.decode.limits import Limits
from hub.images.http_settings import HttpSettings
from hub.images.uploads import UploadChannel
from hub.store.log import EventLog

if TYPE_CHECKING:
    from hub.images.server import ImageServer


class Door:
    """Closed until opened.

    Args:
        channels: The upload channels by instance, as they are now, and whose events their pictures are.
        limits: Returns what is refused, as it is now.
    """

    def __init__(
        self,
        data_dir: Path,
        channels: Mapping[str, tuple[UploadChannel, str]],
        event_log: EventLog,
        limits: Callable[[], Limits],
    ) -> None:
        self._data_dir = data_dir
        self._channels = channels
        self._log = event_log
        self._limits = limits
        self._server: ImageServer | None = None

    async def open(self, settings: HttpSettings) -> None:
        """Listen as configured, or not at all; raises ConfigError where that cannot be done."""
        if settings.listen is None:
            return
        await asyncio.to_thread(importlib.import_module, "hub.images.server")  # takes 0.3 s
        from hub.images.server import ImageServer

        server = ImageServer(self._data_dir, self._channels, self._log, self._limits)
        await server.open(settings)
        self._server = server

    async def change(self, before: HttpSettings, after: HttpSettings) -> None:
        """Go over to other settings; where they do not work those from before hold again."""
        await self.close()
        try:
            await self.open(after)
        except Exception:
            await self.open(before)
            raise

    async def close(self) -> None:
        """Listen no longer; the pictures that wait are kept."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()
