"""Writes files below one folder, each complete or not at all."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path, PurePosixPath


def flush_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut. Blocks."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_flushed(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: a write that was given up may still be under way in its thread.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    flush_folder(path.parent)


def _is_ours(path: Path) -> bool:
    """Whether it is a file, whole, and no link, which could lead out of the folder."""
    partial = path.name.startswith(".") and path.name.endswith(".partial")
    return path.is_file() and not path.is_symlink() and not partial


class Folder:
    """A folder whose files are named by keys such as `json/record.json`; made when first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Return where a key lies.

        Raises:
            ValueError: The key would lie elsewhere.
        """
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts or "\x00" in key:
            raise ValueError(f"not a key inside the folder: {key!r}")
        return self.root.joinpath(*parts)

    async def write(self, key: str, data: bytes) -> None:
        """Put a file in its place in one step and flush it to the disk.

        Raises:
            OSError: The disk is full or the folder cannot be written.
        """
        await asyncio.to_thread(_write_flushed, self.path(key), data)

    async def read(self, key: str) -> bytes | None:
        """Return a file's bytes, or None when there is none."""
        try:
            return await asyncio.to_thread(self.path(key).read_bytes)
        except FileNotFoundError:
            return None

    def list(self) -> list[tuple[str, int]]:
        """Return (key, size in bytes) of every file but links and those being written. It blocks."""
        found = filter(_is_ours, self.root.rglob("*"))
        return [(path.relative_to(self.root).as_posix(), path.stat().st_size) for path in sorted(found)]
