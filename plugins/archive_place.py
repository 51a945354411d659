"""Where an archive is: a bucket or a folder, and what both can do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from plugins.folder import Folder


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it: size in bytes, and the MD5 of its bytes as far as that is known."""

    size: int
    md5: str | None


class Place(Protocol):
    """Objects by key, without the place's prefix. What cannot be done is a DeliveryError or an OSError."""

    name: str
    """For people: an address or a path."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def link(self, key: str) -> str:
        """Return where an object can be found."""
        ...

    async def add(self, key: str, data: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """Write an object that never changes; writing it again is no error.

        Args:
            metadata: As of `make_metadata`.
        """
        ...

    async def replace(self, key: str, data: bytes, content_type: str) -> None:
        """Write an object in place of what is there."""
        ...

    async def read(self, key: str) -> bytes | None:
        """Return an object's bytes, or None when there is none."""
        ...

    async def sha256(self, key: str) -> str | None:
        """Return the SHA-256 that is kept beside an object, without reading it; None where none is."""
        ...

    def listed(self) -> AsyncIterator[tuple[str, Listed]]:
        """Yield every key with what a listing says of it."""
        ...


class FolderPlace:
    """An archive in a folder; links are keys."""

    def __init__(self, root: Path) -> None:
        self._folder = Folder(root)
        self.read = self._folder.read
        self.name = str(root)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    def link(self, key: str) -> str:
        """Return the key itself: where the file lies below the archive."""
        return key

    async def add(self, key: str, data: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """Write one file; the content type is in its name, and what it belongs to as well."""
        await self._folder.write(key, data)

    async def replace(self, key: str, data: bytes, content_type: str) -> None:
        """Write one file."""
        await self._folder.write(key, data)

    async def sha256(self, key: str) -> str | None:
        """Return the digest of the file as it is."""
        data = await self.read(key)
        return None if data is None else hashlib.sha256(data).hexdigest()

    async def listed(self) -> AsyncIterator[tuple[str, Listed]]:
        """Yield every file; one that is being written is left out."""
        for key, size in await asyncio.to_thread(self._folder.list):
            yield key, Listed(size, None)
