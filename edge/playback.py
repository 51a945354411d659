"""Plays video files and folders of pictures, frame by frame; none is left out."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from edge.shot import CameraError, Shot
from hub.draw.picture import PictureError, decode_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
FALLBACK_FPS = 10.0  # of a folder, and of a file that does not say
LOG = logging.getLogger("edge.camera")


def play(path: Path, passes: int, every: int, stopped: threading.Event, *, pace: bool) -> Iterator[Shot]:
    """Yield a file's or folder's frames in order; blocks to keep the pace, until `stopped`.

    Args:
        path: A video file, or a folder of pictures in the order of their names.
        passes: How often to play it; 0 means without end.
        every: Take each so many-th frame, from the first.
        stopped: Ends the playing.
        pace: Keep to the file's frames per second instead of going as fast as they are taken.

    Raises:
        CameraError: It is missing, or no frame of it can be read.
    """
    for run in itertools.count(1) if passes == 0 else range(1, passes + 1):
        fps, frames = _open(path)
        began, seen = time.monotonic(), False
        for number, pixels in frames:
            due_s = began + number / fps - time.monotonic()
            if stopped.wait(max(0.0, due_s)) if pace else stopped.is_set():
                return
            seen = True
            if number % every == 0:
                yield Shot(pixels, datetime.now(UTC), number, run)
        if not seen:
            raise CameraError(f"{path}: no frame can be read (is it a video that FFmpeg knows?)")


def _open(path: Path) -> tuple[float, Iterator[tuple[int, NDArray[np.uint8]]]]:
    """Return the frames per second, and the numbered frames as they are read."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        return FALLBACK_FPS, _read_pictures(files)
    if not path.is_file():
        raise CameraError(f"{path}: no such file or folder (set camera.source)")
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    fps = video.get(cv2.CAP_PROP_FPS)
    return fps if 0 < fps <= 1000 else FALLBACK_FPS, _read_video(video)


def _read_pictures(files: list[Path]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for number, file in enumerate(files):
        try:
            yield number, decode_picture(file.read_bytes())
        except (OSError, PictureError) as error:
            LOG.warning("%s: left out: %s", file, error)


def _read_video(video: Any) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    try:
        for number in itertools.count():
            read, pixels = video.read()
            if not read:
                return
            yield number, pixels
    finally:
        video.release()
