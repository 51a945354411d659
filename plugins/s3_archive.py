"""Archives every event to S3 or a folder: the frame as it came, the frame with boxes drawn, and a record."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from hub.draw.threads import work_on_picture
from hub.event import Event
from hub.plugin import PluginContext, StoredFrame, hookimpl
from plugins.archive_batches import Batches
from plugins.archive_journal import Journal
from plugins.archive_keys import Keys
from plugins.archive_latest import JSON, Latest
from plugins.archive_record import encode_line, encode_record, make_metadata, make_record, rank_of
from plugins.archive_settings import ArchiveSettings

JPEG = "image/jpeg"
JOURNALS = "archive-batches"


def _draw(data: bytes, event: Event) -> bytes | None:
    """Return the JPEG with boxes drawn, or None when the bytes are no picture."""
    from hub.draw.picture import PictureError, decode_picture, draw_detections, encode_jpeg

    try:
        return encode_jpeg(draw_detections(decode_picture(data), event.detections))
    except PictureError:
        return None


class S3Archive:
    """Writes an event's pictures and record under keys made of the event, and latest/latest.json.

    `place`, `layout` and `batches` are also what `lenshub archive` works with.
    """

    Settings = ArchiveSettings

    def __init__(self, settings: ArchiveSettings, context: PluginContext) -> None:
        self.place = settings.make_place(context.data_dir)
        self.layout = settings.keys.complete(settings.layout)
        self.batches: Batches | None = None
        if settings.batches is not None:
            journal = Journal(context.data_dir / JOURNALS / context.name)
            every_s = settings.batch_every_s
            self.batches = Batches(self.place, journal, settings.batches, every_s, context.log)
        self.draws_boxes = settings.boxes
        self._latest = Latest(self.place)
        self._log = context.log
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.place)
        if self.batches is not None:
            flushing = asyncio.create_task(self.batches.run(), name="archive batches")
            flushing.add_done_callback(self._tell_ended)
            self._stack.push_async_callback(_end, flushing)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _tell_ended(self, flushing: asyncio.Task[None]) -> None:
        if not flushing.cancelled() and (error := flushing.exception()):
            self._log.error("archive.batches_stopped until the next start: %r", error)

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None) -> str:
        """Archive one event; the note is the key of the raw image, or of the record where there is none."""
        keys = self.layout.keys(event)
        note, link = keys.record, None
        if frame is not None:
            link, note = await self._write_pictures(event, frame, keys)
        record = make_record(event, link and self.place.link(link))
        data = encode_record(record)
        await self.place.add(keys.record, data, JSON, make_metadata(event, data))
        if self.batches is not None:
            await self.batches.add(encode_line(record))
        await self._latest.offer(rank_of(event.captured_at, event.received_at, event.id), data)
        return note

    async def _write_pictures(self, event: Event, frame: StoredFrame, keys: Keys) -> tuple[str, str]:
        """Archive the pictures, side by side; return the key the record links to, and the note."""
        data = await frame.read()
        add_raw = self.place.add(keys.raw, data, frame.media_type, make_metadata(event, data))
        if not self.draws_boxes:
            await add_raw
            return keys.raw, keys.raw
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(add_raw)
                boxing = group.create_task(self._add_boxed(keys.boxed, data, event))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if boxing.result():
            return keys.boxed, keys.raw
        return keys.raw, f"{keys.raw} (boxes not drawn: it cannot be decoded as a picture)"

    async def _add_boxed(self, key: str, data: bytes, event: Event) -> bool:
        boxed = await work_on_picture(_draw, data, event)
        if boxed is not None:
            await self.place.add(key, boxed, JPEG, make_metadata(event, boxed))
        return boxed is not None


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
