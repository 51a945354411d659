"""The frame store: pictures as files, by device and digest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from hub.event import DEVICE_PATTERN, Frame

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
FEW, AT_ONCE = 4, 8  # 400 pictures of 54 KB: 2 s one by one, 0.2 s by eight
Item = TypeVar("Item")
_DEVICE = re.compile(DEVICE_PATTERN)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_flushed(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _each(work: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Do something with every item; many are flushed at once, so that they share the disk's commits."""
    if len(items) < FEW:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as threads:
        list(threads.map(work, items))


class FrameStore:
    """Keeps the bytes of frames under `<root>/<device>/<first two of the digest>/<digest>.jpg`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, device: str, frame: Frame) -> Path:
        """Return where a frame lies; `device` and the digest are validated names, never paths."""
        if not _DEVICE.fullmatch(device):
            raise ValueError(f"not a device name: {device!r}")
        name = frame.digest + SUFFIXES[frame.media_type]
        return self.root / device / frame.digest[:2] / name

    def add_all(self, pictures: Iterable[tuple[str, Frame, bytes]]) -> None:
        """Write frames that are not there yet and flush them to the disk. Blocks; call it in a thread.

        Raises:
            OSError: The disk is full or the folder cannot be written.
        """
        wanted = {self.path(device, frame): data for device, frame, data in pictures}
        new = {path: data for path, data in wanted.items() if not path.exists()}
        touched = {path.parent for path in new}
        for folder in list(touched):
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
                touched |= {folder.parent, self.root}
        _each(lambda item: _write_flushed(*item), list(new.items()))
        _each(_flush_directory, list(touched))
