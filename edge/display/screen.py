"""The screen: the newest frame with its boxes, drawn only when somebody looks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2

from hub.draw.picture import draw_detections, encode_jpeg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.record import Finding

QUALITY = 80
WIDEST = 4  # times as wide as high; a frame of 10,000 x 3 pixels would else be drawn on 5 GB


class Screen:
    """Holds one finding; a newer one replaces it. May be used from any thread.

    Drawing is done in the thread that looks, once for all that look at the same size.
    """

    def __init__(self) -> None:
        self.closed = False
        self._finding: Finding | None = None
        self._number = 0
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._drawn: dict[int, tuple[int, bytes]] = {}

    def show(self, finding: Finding) -> None:
        """Replace what is shown. Never waits for those who look."""
        with self._changed:
            self._finding = finding
            self._number += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let all who wait go."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def wait(self, after: int, timeout_s: float) -> int:
        """Return the newest finding's number (0 is none) once it is above `after`, or after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._number > after, timeout_s)
            return self._number

    def draw(self, height: int) -> tuple[int, bytes] | None:
        """Return the newest finding's number and its JPEG at a height in pixels, or None if there is none."""
        with self._drawing:
            with self._changed:
                finding, number = self._finding, self._number
            if finding is None:
                return None
            drawn = self._drawn.get(height)
            if drawn is None or drawn[0] != number:
                pixels = draw_detections(_scale(finding.shot.pixels, height), finding.detections)
                drawn = self._drawn[height] = (number, encode_jpeg(pixels, QUALITY))
            return drawn


def _scale(pixels: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """Return the pixels at a height, in their shape; one that would be too wide for it stays lower."""
    before, width = pixels.shape[:2]
    if before == height and width <= WIDEST * height:
        return pixels
    scale = min(height / before, WIDEST * height / width)
    size = (max(1, round(width * scale)), max(1, round(before * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=how)  # type: ignore[return-value]
