"""A writer for who has the store to himself: a command while no hub runs, a plugin's own tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hub.store.database import Database, open_engine
from hub.store.frames import FrameStore
from hub.store.writer import Writer


@asynccontextmanager
async def open_writer(data_dir: Path) -> AsyncIterator[tuple[Writer, Database]]:
    """Run a writer, and end it with all committed that it was given; what reads beside it is yielded too.

    The store must be of this version, and its lock held where a hub could be.
    """
    engine = open_engine(data_dir)
    writer = await Writer.open(data_dir, FrameStore(data_dir / "frames"))
    writing = asyncio.create_task(writer.run(), name="writer")
    try:
        yield writer, engine
    finally:
        writer.close()
        await writing
        await engine.dispose()
