"""What the camera gave last, at the size that the function expects."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from edge.shot import CameraError
from hub.event import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.shot import Shot

DEVICE_SIZE = (2688, 1520)  # pixels; what a DeepLens gave
FIRST_FRAME_S = 20.0
FRAME_S = 3.0


class Stream:
    """Takes frames in a thread of its own; a newer one replaces what nobody took.

    Args:
        shots: Opens the camera; called in that thread at the first frame asked for.
        size: Width and height in pixels of the frames handed out.
        say: Told `frame` for each frame handed out, and `trouble` with a text.
    """

    def __init__(
        self, shots: Callable[[], Iterator[Shot]], size: tuple[int, int], say: Callable[..., object]
    ) -> None:
        self._shots, self._size, self._say = shots, size, say
        self._shot: Shot | None = None
        self._last: Shot | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Return (True, (height, width, 3) uint8 BGR), or (False, None) when the camera gives nothing."""
        with self._changed:
            self._start()
            wait_s = FIRST_FRAME_S if self._last is None else FRAME_S
            self._changed.wait_for(self._has_news, wait_s)
            shot, self._shot = self._shot, None
            if shot is None:
                return False, None
            self._last = shot
        self._say("frame")
        return True, fit_frame(shot.pixels, self._size)

    def _has_news(self) -> bool:
        return self._shot is not None or (self._thread is not None and not self._thread.is_alive())

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._grab, name="camera", daemon=True)
            self._thread.start()

    def _grab(self) -> None:
        try:
            for shot in self._shots():
                with self._changed:
                    self._shot = shot
                    self._changed.notify_all()
        except CameraError as error:
            self._say("trouble", f"camera: {error}")
        with self._changed:
            self._changed.notify_all()


def fit_frame(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a frame at a size: stretched by at most two in a hundred, else with black bars."""
    import cv2
    import numpy as np

    width, height = size
    given_height, given_width = pixels.shape[:2]
    if abs(given_width * height / (given_height * width) - 1) < 0.02:
        box = Box(left=0, top=0, width=1, height=1)
    else:
        box = _inner(given_width / given_height, width / height)
    left, top = round(box.left * width), round(box.top * height)
    inner = (max(1, round(box.width * width)), max(1, round(box.height * height)))
    canvas = np.zeros((height, width, 3), np.uint8)
    resized: Any = cv2.resize(pixels, inner, interpolation=cv2.INTER_LINEAR)
    canvas[top : top + inner[1], left : left + inner[0]] = resized
    return canvas


def _inner(given: float, wanted: float) -> Box:
    """Return where a picture of one aspect ratio lies, in whole, within one of another."""
    if given > wanted:
        share = wanted / given
        return Box(left=0, top=(1 - share) / 2, width=1, height=share)
    share = given / wanted
    return Box(left=(1 - share) / 2, top=0, width=share, height=1)
