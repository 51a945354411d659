"""Fits a frame into a model's input without squashing it, and maps boxes both ways exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from hub.event import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

BORDER_GREY = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a frame of frame_width x frame_height lies within width x height pixels, bars around it.

    `left`, `top`, `inner_width` and `inner_height` are whole pixels of the input.
    """

    width: int
    height: int
    left: int
    top: int
    inner_width: int
    inner_height: int

    @classmethod
    def fit(cls, frame_width: int, frame_height: int, width: int, height: int) -> Self:
        """Centre a frame in an input of width x height, as large as it goes."""
        scale = min(width / frame_width, height / frame_height)
        inner_width = max(1, round(frame_width * scale))
        inner_height = max(1, round(frame_height * scale))
        left, top = (width - inner_width) // 2, (height - inner_height) // 2
        return cls(width, height, left, top, inner_width, inner_height)

    def resize(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the (height, width, 3) uint8 input with grey bars around the resized frame."""
        canvas = np.full((self.height, self.width, 3), BORDER_GREY, np.uint8)
        self.place(frame, canvas)
        return canvas

    def place(self, frame: NDArray[np.uint8], canvas: NDArray[np.uint8]) -> None:
        """Resize a (height, width, 3) uint8 frame into its place on a canvas, whose bars stay as they are.

        What is more than four times too large is halved first, so that little things are not missed.
        INTER_AREA alone would be calmer, and slow: 640 x 480 to 192 x 144 takes it 1.0 ms, this 0.06 ms.
        """
        inner = canvas[self.top : self.top + self.inner_height, self.left : self.left + self.inner_width]
        while frame.shape[1] >= 4 * self.inner_width and frame.shape[0] >= 4 * self.inner_height:
            frame = _resize(frame, (frame.shape[1] // 2, frame.shape[0] // 2))
        _resize(frame, (self.inner_width, self.inner_height), inner)

    def to_frame(self, box: Box) -> Box:
        """Map a box in fractions of the input to fractions of the frame."""
        return Box(
            left=(box.left * self.width - self.left) / self.inner_width,
            top=(box.top * self.height - self.top) / self.inner_height,
            width=box.width * self.width / self.inner_width,
            height=box.height * self.height / self.inner_height,
        )

    def to_input(self, box: Box) -> Box:
        """Map a box in fractions of the frame to fractions of the input."""
        return Box(
            left=(box.left * self.inner_width + self.left) / self.width,
            top=(box.top * self.inner_height + self.top) / self.height,
            width=box.width * self.inner_width / self.width,
            height=box.height * self.inner_height / self.height,
        )


def _resize(
    pixels: NDArray[np.uint8], size: tuple[int, int], into: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    return cv2.resize(pixels, size, dst=into, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
