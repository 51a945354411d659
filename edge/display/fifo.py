"""Writes JPEG after JPEG into a FIFO, as DeepLens did in /tmp/results.mjpeg, while somebody reads it."""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import ConfigError

if TYPE_CHECKING:
    from edge.display.screen import Screen

LOOK_S = 0.5  # how often to see whether there is a reader
AGAIN_S = 2.0


def make_fifo(path: Path) -> None:
    """Make the FIFO, for this user only, unless it is there already.

    Raises:
        ConfigError: Something else has its name, it is somebody else's, or it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(path):
            os.mkfifo(path, 0o600)
    except OSError as error:
        raise ConfigError(f"display.fifo: {path}: cannot be made: {error.strerror} (set another)") from error
    check_fifo(path)


def check_fifo(path: Path) -> bool:
    """Return whether the FIFO is there.

    Raises:
        ConfigError: Something else has its name, or it is somebody else's.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"display.fifo: {path}: cannot be made: {error.strerror} (set another)") from error
    if not stat.S_ISFIFO(found.st_mode):
        raise ConfigError(f"display.fifo: {path}: is no FIFO (remove it, or set another)")
    if found.st_uid != os.geteuid():  # whoever made it could read what the camera sees
        raise ConfigError(f"display.fifo: {path}: belongs to another user (remove it, or set another)")
    return True


@contextmanager
def feeding(path: Path, screen: Screen, *, height: int, fps: float) -> Iterator[None]:
    """Have a FIFO fed in the background within a `with` block.

    A reader that is slow gets fewer pictures, each whole; one that is gone is waited for. Nobody else waits.

    Raises:
        ConfigError: As `make_fifo`.
    """
    make_fifo(path)
    stopped = threading.Event()
    feeder = _Feeder(path, screen, stopped, height, fps)
    thread = threading.Thread(target=feeder.run, name="fifo", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


class _Feeder:
    def __init__(self, path: Path, screen: Screen, stopped: threading.Event, height: int, fps: float) -> None:
        self._path, self._screen, self._stopped = path, screen, stopped
        self._height, self._fps = height, fps

    def run(self) -> None:
        while not self._stopped.is_set():
            pipe = _open(self._path)
            if pipe is None:
                self._stopped.wait(LOOK_S)
                continue
            try:
                self._feed(pipe)
            except BrokenPipeError:
                continue
            finally:
                os.close(pipe)

    def _feed(self, pipe: int) -> None:
        """Write pictures until told to stop.

        Raises:
            BrokenPipeError: The reader is gone.
        """
        seen = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            self._screen.wait(seen, AGAIN_S if seen else LOOK_S)
            drawn = self._screen.draw(self._height)
            if drawn is not None:
                seen = drawn[0]
                self._write(pipe, drawn[1])
            self._stopped.wait(max(0.0, began + 1 / self._fps - time.monotonic()))

    def _write(self, pipe: int, jpeg: bytes) -> None:
        """Write a whole picture; half of one would be all the reader sees of the next."""
        rest = memoryview(jpeg)
        while rest and not self._stopped.is_set():
            if select.select([], [pipe], [], LOOK_S)[1]:
                rest = rest[os.write(pipe, rest) :]


def _open(path: Path) -> int | None:
    """Return the FIFO's end to write to, or None while nobody reads or something else is in its place."""
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # ENXIO: no reader; anything else may pass when the FIFO is put back
        return None
    if stat.S_ISFIFO(os.fstat(pipe).st_mode):
        return pipe
    os.close(pipe)
    return None
