"""Watches a V4L2 camera or a network stream; one that gives no frames is opened again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2

from edge.knock import knock
from edge.outage import Outage
from edge.shot import CameraError, Shot

RETRY_S = 2.0
STREAM_TIMEOUT_MS = 10_000  # FFmpeg's own is 30 s, in which nobody would know
Open = Callable[[], Any]


def watch(device: Path, every: int, stopped: threading.Event, trouble: Outage) -> Iterator[Shot]:
    """Yield a camera's frames, opening it again whenever it gives none; blocks, ends when `stopped`.

    Frames are numbered as the camera gives them, from 0, on over a loss.

    Args:
        device: Such as /dev/video0.
        every: Yield each so many-th frame.
        stopped: Ends the watching, after at most one frame or the driver's timeout.
        trouble: Where to report a camera that gives no frames.
    """
    return _watch(
        lambda: cv2.VideoCapture(str(device), cv2.CAP_V4L2), lambda: _explain(device), every, stopped, trouble
    )


def watch_stream(url: str, every: int, stopped: threading.Event, trouble: Outage) -> Iterator[Shot]:
    """Yield the frames of an RTSP or HTTP stream, as `watch` does those of a camera."""
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        STREAM_TIMEOUT_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        STREAM_TIMEOUT_MS,
    ]

    def connect() -> Any:
        if silence := knock(url, stopped):
            raise CameraError(silence)
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)

    reason = "it gives no frames (is the address right, is the sender up, does it need a password?)"
    return _watch(connect, lambda: reason, every, stopped, trouble, STREAM_TIMEOUT_MS / 1000)


def _watch(
    connect: Open,
    explain: Callable[[], str],
    every: int,
    stopped: threading.Event,
    trouble: Outage,
    patience_s: float = float("inf"),
) -> Iterator[Shot]:
    number = 0
    while not stopped.is_set():
        reason = ""
        try:
            for pixels in _read(connect(), stopped, patience_s):
                trouble.end()
                if number % every == 0:
                    yield Shot(pixels, datetime.now(UTC), number)
                number += 1
        except CameraError as error:
            reason = str(error)
        if not stopped.is_set():
            trouble.begin(f"{reason or explain()}; trying again")
            stopped.wait(RETRY_S)


def _read(camera: Any, stopped: threading.Event, patience_s: float) -> Iterator[Any]:
    """Yield frames until one fails, or takes longer: then it is an old one, left over in FFmpeg's decoder."""
    try:
        while not stopped.is_set():
            began = time.monotonic()
            read, pixels = camera.read()
            if not read or time.monotonic() - began >= patience_s:
                return
            yield pixels
    finally:
        camera.release()


def _explain(device: Path) -> str:
    if device.exists() and not os.access(device, os.R_OK | os.W_OK):
        return "it may not be opened (put the agent's user into the group video)"
    if device.exists():
        return "it gives no frames (in use by another program? is it a camera?)"
    known = ", ".join(str(path) for path in sorted(Path("/dev").glob("video*"))) or "none"
    return f"there is no such camera (known: {known}; is it plugged in?)"
