"""Files that somebody names, once; they stay where they are."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from hub.images.image import Origin
from hub.images.message import printable
from hub.images.naming import device_of
from hub.images.offer import Outcome
from hub.images.plain_file import read_file
from hub.images.settings import Images

Tell = Callable[[Path, Outcome], None]


class FilesChannel:
    """Offers files in the order given, each once.

    Args:
        most: How large a picture may be, in bytes.
        tell: Called with what became of each.
    """

    name = "files"

    def __init__(self, plugin: str, paths: Sequence[Path], settings: Images, most: int, tell: Tell) -> None:
        self.plugin = plugin
        self.settings = settings
        self.most = most
        self.tell = tell
        self._left = list(paths)
        self._waiting: deque[Path] = deque()

    async def __aenter__(self) -> Self:
        self._waiting = deque(self._left)
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def next(self) -> NamedFile:
        """Return the next file; wait without end after the last."""
        if not self._waiting:
            await asyncio.get_running_loop().create_future()
        return NamedFile(self, self._waiting.popleft())

    async def backlog(self) -> int:
        """Return how many wait."""
        return len(self._left)

    def settle(self, path: Path, outcome: Outcome) -> None:
        """Tell what became of a file."""
        self._left.remove(path)
        self.tell(path, outcome)


class NamedFile:
    """A file that was named."""

    def __init__(self, channel: FilesChannel, path: Path) -> None:
        self._channel = channel
        self._path = path
        self._data: bytes | None = None
        name = path.as_posix()
        self.origin = Origin(printable(path.name), device_of(name, channel.settings), datetime.now(UTC))

    async def identify(self) -> str:
        """Return the key: the digest of the bytes."""
        data = await self.read()
        return f"file:{self._channel.plugin}:{hashlib.sha256(data).hexdigest()}"

    async def read(self) -> bytes:
        """Return the bytes; raises Unreadable where that cannot be done."""
        if self._data is None:
            data, taken_at = await asyncio.to_thread(read_file, self._path, self._channel.most)
            self._data = data
            self.origin = Origin(self.origin.name, self.origin.device, taken_at)
        return self._data

    async def settle(self, outcome: Outcome) -> None:
        """Tell what became of it."""
        self._channel.settle(self._path, outcome)

    async def leave(self, reason: str) -> None:
        """Never called: what cannot be read now cannot be read at all."""
