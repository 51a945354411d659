"""Plays video files and folders of pictures, frame by frame; what cannot be read is told, and passed over."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edge.picture_file import SUFFIXES, read_picture
from edge.shot import CameraError, Shot
from hub.draw.picture import PictureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FALLBACK_FPS = 10.0  # of a folder, and of a file that does not say
CUT_SHORT = 0.9  # of the frames that a file announces; the number is a guess from its length
LOG = logging.getLogger("edge.camera")
Frames = Iterator[tuple[int, "NDArray[np.uint8]"]]


def play(
    path: Path,
    passes: int,
    every: int,
    stopped: threading.Event,
    *,
    pace: bool,
    pass_over: Callable[[], None] = lambda: None,
) -> Iterator[Shot]:
    """Yield a file's or folder's frames in order; blocks to keep the pace, until `stopped`.

    Args:
        path: A video file, or a folder of pictures in the order of their names.
        passes: How often to play it; 0 means without end.
        every: Take each so many-th frame, from the first.
        stopped: Ends the playing.
        pace: Keep to the file's frames per second instead of going as fast as they are taken.
        pass_over: Called for each picture that cannot be read, and for a video that is cut short.

    Raises:
        CameraError: It is missing, or no frame of it can be read.
    """
    reel = _Reel(path, pass_over)
    for run in itertools.count(1) if passes == 0 else range(1, passes + 1):
        fps, frames = reel.open()
        began, seen = time.monotonic(), False
        for number, pixels in frames:
            due_s = began + number / fps - time.monotonic()
            if stopped.wait(max(0.0, due_s)) if pace else stopped.is_set():
                return
            seen = True
            if number % every == 0:
                yield Shot(pixels, datetime.now(UTC), number, run)
        if not seen:
            raise CameraError(f"{path}: no frame can be read ({reel.known})")


class _Reel:
    """A file or folder that is played again and again; what is wrong with it is told once."""

    def __init__(self, path: Path, pass_over: Callable[[], None]) -> None:
        self._path, self._pass_over = path, pass_over
        self._told: set[Path] = set()
        self.known = "is it a video that FFmpeg knows?"

    def open(self) -> tuple[float, Frames]:
        """Return the frames per second, and the numbered frames as they are read."""
        if self._path.is_dir():
            self.known = f"known in a folder: {' '.join(sorted(SUFFIXES))}"
            return FALLBACK_FPS, self._read_pictures(self._list_pictures())
        if not self._path.is_file():
            raise CameraError(f"{self._path}: no such file or folder (set camera.source)")
        video = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        fps = video.get(cv2.CAP_PROP_FPS)
        return fps if 0 < fps <= 1000 else FALLBACK_FPS, self._read_video(video)

    def _list_pictures(self) -> list[Path]:
        try:
            return sorted(file for file in self._path.iterdir() if file.suffix.lower() in SUFFIXES)
        except OSError as error:
            raise CameraError(f"{self._path}: cannot be read: {error.strerror}") from error

    def _read_pictures(self, files: list[Path]) -> Frames:
        for number, file in enumerate(files):
            try:
                yield number, read_picture(file)
            except OSError as error:
                self._leave_out(file, f"left out: cannot be read: {error.strerror}")
            except PictureError as error:
                self._leave_out(file, f"left out: {error}")

    def _read_video(self, video: cv2.VideoCapture) -> Frames:
        announced = video.get(cv2.CAP_PROP_FRAME_COUNT)
        try:
            for number in itertools.count():
                read, pixels = video.read()
                if not read:
                    break
                yield number, pixels  # type: ignore[misc] # always uint8
        finally:
            video.release()
        if 0 < number < CUT_SHORT * announced:
            self._leave_out(
                self._path, f"ends after {number} of {announced:.0f} frames (cut short or damaged?)"
            )

    def _leave_out(self, file: Path, reason: str) -> None:
        self._pass_over()
        if file not in self._told:
            self._told.add(file)
            LOG.warning("%s: %s", file, reason)
