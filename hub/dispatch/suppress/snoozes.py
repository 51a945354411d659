"""Keeps in mind which instances are snoozed, as `lenshub snooze` writes it into the store."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from hub.store.log import EventLog

log = logging.getLogger(__name__)

LOOK_S = 0.5


class Snoozes:
    """`until` says until when each snoozed instance is; the same mapping for as long as the hub runs."""

    def __init__(self, event_log: EventLog) -> None:
        self._log = event_log
        self._failing = False
        self.until: dict[str, datetime] = {}

    async def refresh(self) -> None:
        """Read it again; where the store cannot be read, what is known goes on to hold."""
        try:
            found = await self._log.snoozes(datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - the store's trouble is logged where it begins
            if not self._failing:
                log.warning("snooze.waiting: the store cannot be read: %s", error)
            self._failing = True
            return
        self._failing = False
        for name in found.keys() - self.until.keys():
            log.info("snooze.begun %s until %s", name, found[name].isoformat(timespec="seconds"))
        for name in self.until.keys() - found.keys():
            log.info("snooze.over %s", name)
        self.until.clear()
        self.until.update(found)

    async def watch(self) -> None:
        """Read it again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.refresh()
