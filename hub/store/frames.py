"""The frame store: pictures as files, by device and digest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from hub.event import DEVICE_PATTERN, Frame

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
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
        touched: set[Path] = set()
        for device, frame, data in pictures:
            path = self.path(device, frame)
            if path.exists():
                continue
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                touched |= {path.parent.parent, self.root}
            _write_flushed(path, data)
            touched.add(path.parent)
        for directory in touched:
            _flush_directory(directory)
