"""An event's frame as plugins are handed it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from hub.event import Event, Frame
from hub.plugin import Reject
from hub.store.frames import FrameStore


@dataclass(frozen=True, slots=True)
class FrameOnDisk:
    """An event's frame; `read` goes to the frame store."""

    digest: str
    width: int
    height: int
    media_type: str
    path: Path

    @classmethod
    def of(cls, event: Event, store: FrameStore) -> FrameOnDisk | None:
        """Return the event's frame, or None when it has none."""
        frame = event.frame
        if not isinstance(frame, Frame):
            return None
        path = store.path(event.device, frame)
        return cls(frame.digest, frame.width, frame.height, frame.media_type, path)

    async def read(self) -> bytes:
        """Return the bytes; raises Reject when the file is gone."""
        try:
            return await asyncio.to_thread(self.path.read_bytes)
        except FileNotFoundError as error:
            raise Reject(f"frame {self.digest[:12]} is no longer in the frame store") from error
