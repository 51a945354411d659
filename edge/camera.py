"""Watches a V4L2 camera: the newest frame wins, and a camera that fails is opened again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2

from edge.outage import Outage
from edge.shot import Shot

RETRY_S = 2.0
LOG = logging.getLogger("edge.camera")


def watch(device: Path, every: int, stopped: threading.Event, trouble: Outage) -> Iterator[Shot]:
    """Yield the newest frame each time one is asked for; blocks until there is one, ends when `stopped`.

    Frames are numbered as the camera gives them. Those that come while the last one is still being worked on
    are passed over, except that of each `every` frames at most one is taken.

    Args:
        device: Such as /dev/video0.
        every: Take at most each so many-th frame.
        stopped: Ends the watching.
        trouble: Where to report a camera that gives no frames.
    """
    slot = _Slot(every)
    thread = threading.Thread(
        target=_grab, args=(device, slot, stopped, trouble), name="camera-grab", daemon=True
    )
    thread.start()
    while not stopped.is_set():
        shot = slot.take(timeout_s=0.2)
        if shot is not None:
            yield shot
    thread.join(RETRY_S)


class _Slot:
    """Room for one frame; a newer one replaces it."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._shot: Shot | None = None
        self._filled = threading.Condition()

    def put(self, shot: Shot) -> None:
        if shot.number % self._every:
            return
        with self._filled:
            self._shot = shot
            self._filled.notify()

    def take(self, timeout_s: float) -> Shot | None:
        with self._filled:
            self._filled.wait_for(lambda: self._shot is not None, timeout_s)
            shot, self._shot = self._shot, None
            return shot


def _grab(device: Path, slot: _Slot, stopped: threading.Event, trouble: Outage) -> None:
    """Fill the slot with the camera's frames until stopped."""
    number = 0
    while not stopped.is_set():
        camera = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
        number = _drain(camera, number, slot, stopped, trouble)
        camera.release()
        if not stopped.is_set():
            trouble.begin(_explain(device))
            stopped.wait(RETRY_S)


def _drain(camera: Any, number: int, slot: _Slot, stopped: threading.Event, trouble: Outage) -> int:
    """Put frames into the slot until the camera gives none; return the number of the next frame."""
    while not stopped.is_set():
        read, pixels = camera.read()
        if not read:
            break
        trouble.end()
        slot.put(Shot(pixels, datetime.now(UTC), number))
        number += 1
    return number


def _explain(device: Path) -> str:
    if device.exists():
        return "it gives no frames (in use by another program? are you in the group video?); trying again"
    known = ", ".join(str(path) for path in sorted(Path("/dev").glob("video*"))) or "none"
    return f"there is no such camera (known: {known}; is it plugged in?); trying again"
