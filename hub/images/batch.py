"""Starts an instance's model for the pictures that wait, and stops it, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import JsonValue

from hub.authored import clean, in_words, is_stop
from hub.images.desk import Desk
from hub.images.offer import Channel
from hub.images.schedule import next_at
from hub.images.settings import Batch as BatchSettings
from hub.plugin import RetryLater
from hub.store.batches import BatchRow, BatchState, begin_batch, read_open, write_batch
from hub.store.writer import Writer
from hub.words import count_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0
CALM_S = 10.0
"""So long nothing may wait before the model is stopped: a queue counts what it holds only roughly."""
LONG_WAIT_S = 600.0
"""A budget that is renewed later than this is not waited for with a model that costs money."""
GOODBYE_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class _Batch:
    """The batch as the plugin is handed it."""

    def __init__(self, row: BatchRow, writer: Writer) -> None:
        self.row = row
        self.number = row.id
        self.backlog = row.backlog
        self._writer = writer

    @property
    def memory(self) -> Mapping[str, JsonValue]:
        return self.row.memory

    async def remember(self, **values: JsonValue) -> None:
        self.row.memory = self.row.memory | values
        await self.save()

    def note(self, text: str) -> None:
        self.row.note = clean(text)

    async def save(self, state: BatchState | None = None, ended_at: datetime | None = None) -> None:
        self.row.state = state or self.row.state
        await self._writer.change(partial(write_batch, row=self.row, ended_at=ended_at))


class Batches:
    """Runs the batches of one instance; its desk's door is open only while one runs.

    Args:
        begin: The instance's `begin_batch`.
        end: Its `end_batch`.
    """

    name = "batch"

    def __init__(
        self,
        desk: Desk,
        settings: BatchSettings,
        channels: Sequence[Channel],
        writer: Writer,
        begin: Callable[[Any], Any],
        end: Callable[[Any], Any],
    ) -> None:
        self._desk = desk
        self._settings = settings
        self._channels = channels
        self._writer = writer
        self._begin = begin
        self._end = end
        self._batch: _Batch | None = None
        self._due_at: datetime | None = None
        self._trouble = ""
        self._last = ""
        desk.door.clear()

    def report(self) -> tuple[bool, str]:
        """Return whether all is well, and what to say."""
        if self._batch is None:
            due = f"next at {self._due_at:%Y-%m-%d %H:%M} UTC" if self._due_at else "waits for work"
            return True, ", ".join(filter(None, [due, self._last]))
        row = self._batch.row
        said = f"number {row.id} is {row.state}" + (f": {row.note}" if row.note else "")
        return (False, f"{said}; {self._trouble}") if self._trouble else (True, said)

    async def run(self) -> None:
        """Run batches until cancelled; then what was started is ended, or the next start does it."""
        row = await self._writer.change(partial(read_open, plugin=self._desk.name))
        while True:
            if row is None:
                backlog = await self._wait_until_due()
                now = datetime.now(UTC)
                row = await self._writer.change(
                    partial(begin_batch, plugin=self._desk.name, backlog=backlog, now=now)
                )
            await self._run_one(_Batch(row, self._writer))
            row = None

    async def _run_one(self, batch: _Batch) -> None:
        self._batch = batch
        log.info("batch.%s %s: number %d", batch.row.state, self._desk.name, batch.number)
        try:
            if batch.row.state in ("beginning", "running") and await self._begun(batch):
                await batch.save("running")
                await self._drain(batch)
        except BaseException as error:
            if is_stop(error):
                await self._end_in_passing(batch)
                raise
            self._trouble = in_words(error)
            log.error("batch.failed %s: %s", self._desk.name, self._trouble)  # noqa: TRY400 - all is said
        finally:
            self._desk.door.clear()
        await self._end_until_done(batch)

    async def _begun(self, batch: _Batch) -> bool:
        """Begin the batch; return whether that worked."""
        while True:
            try:
                await self._begin(batch)
            except RetryLater as error:
                self._trouble = f"not begun yet: {clean(str(error))}"
                if self._is_over(batch):
                    return False
                await asyncio.sleep(min(max(error.after_s, FIRST_PAUSE_S), LONGEST_PAUSE_S))
            else:
                self._trouble = ""
                return True

    async def _drain(self, batch: _Batch) -> None:
        """Let pictures in until none waits, or the time is over."""
        self._desk.door.set()
        calm_since = asyncio.get_running_loop().time()
        while not self._is_over(batch) and self._desk.patience.left_s < LONG_WAIT_S:
            await asyncio.sleep(min(1.0, CALM_S / 4))
            left = await self._backlog()
            batch.note(f"about {count_of(left, 'picture')} wait{'s' if left == 1 else ''}")
            now = asyncio.get_running_loop().time()
            calm_since = now if left or self._desk.is_busy else calm_since
            if now - calm_since >= CALM_S:
                return

    def _is_over(self, batch: _Batch) -> bool:
        return (datetime.now(UTC) - batch.row.began_at).total_seconds() > self._settings.max_run_s

    async def _end_until_done(self, batch: _Batch) -> None:
        await batch.save("ending")
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._end(batch)
            except BaseException as error:
                if is_stop(error):
                    raise
                self._trouble = f"cannot be ended: {in_words(error)}; trying again until it works"
                log.error("batch.failing %s: %s", self._desk.name, self._trouble)  # noqa: TRY400 - all is said
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                break
        await self._note_end(batch)

    async def _end_in_passing(self, batch: _Batch) -> None:
        """End the batch as the hub stops, if that is quick; else the next start does it."""

        async def end() -> None:
            await batch.save("ending")
            await self._end(batch)
            await self._note_end(batch)

        ending = asyncio.create_task(end(), name=f"end the batch of {self._desk.name}")
        await asyncio.wait([ending], timeout=GOODBYE_S)
        if not ending.done() or ending.exception() is not None:
            ending.cancel()
            log.warning("batch.left %s: number %d is ended at the next start", self._desk.name, batch.number)

    async def _note_end(self, batch: _Batch) -> None:
        await batch.save("ended", datetime.now(UTC))
        log.info("batch.ended %s: number %d", self._desk.name, batch.number)
        self._last = f"number {batch.number} has ended" + (f": {batch.row.note}" if batch.row.note else "")
        self._batch, self._trouble = None, ""

    async def _wait_until_due(self) -> int:
        """Return how many pictures wait, once that is reason enough to begin."""
        self._due_at = next_at(self._settings.cron, datetime.now(UTC))
        while True:
            left = await self._backlog()
            if self._settings.backlog is not None and left >= self._settings.backlog:
                return left
            now = datetime.now(UTC)
            if self._due_at is not None and now >= self._due_at:
                self._due_at = next_at(self._settings.cron, now)
                if left:
                    return left
            until_due_s = (self._due_at - now).total_seconds() if self._due_at else LOOK_EVERY_S
            await asyncio.sleep(max(0.05, min(LOOK_EVERY_S, until_due_s)))

    async def _backlog(self) -> int:
        """Return how many pictures wait; a channel that cannot be asked says so itself."""
        found = await asyncio.gather(*(one.backlog() for one in self._channels), return_exceptions=True)
        return sum(count for count in found if isinstance(count, int))
