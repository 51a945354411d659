"""Draws what is true of a picture and what was found on it, in two colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edge.evaluation.exam import EvaluationError
from edge.evaluation.figures import Seen
from edge.picture_file import read_picture
from hub.dataset.output import written_beside
from hub.draw.picture import PictureError, draw_detections, encode_jpeg
from hub.draw.tag import draw_tag, list_tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOUND_BGR, TRUE_BGR = (0, 159, 230), (233, 180, 86)  # orange and sky blue, of Okabe and Ito's
LEAST_SIDE = 480  # pixels; smaller pictures are enlarged, so that there is room for words
_UNFIT = re.compile(r"[^\w.-]+")
_NAME_CHARS = 60


def draw_seen(pixels: NDArray[np.uint8], seen: Seen) -> NDArray[np.uint8]:
    """Return (height, width, 3) BGR pixels with what was found (orange) and what is true (blue) drawn on it.

    The words of what was found stand above a box, those of what is true below it; of a whole picture they
    are listed at the top left.
    """
    found = [one.found for one in seen.pairs if one.found]
    drawn = draw_detections(pixels, found, FOUND_BGR)
    height, width = drawn.shape[:2]
    listed = sum(one.box is None for one in found)
    for truth in seen.scene.truths:
        words = (f"true: {truth.label}", "")
        if truth.box is None:
            list_tag(drawn, words, listed, listed + 1, TRUE_BGR)
            continue
        xmin, ymin, xmax, ymax = (round(value) for value in truth.box.corners_in(width, height))
        cv2.rectangle(drawn, (xmin, ymin), (xmax, ymax), TRUE_BGR, max(1, round(height / 240)))
        draw_tag(drawn, words, (xmin, ymin, xmax, ymax), TRUE_BGR, below=True)
    return drawn


def write_seen(folder: Path, pictures: Sequence[Seen]) -> None:
    """Write pictures into a new folder, numbered in their order; nothing is left of one that fails.

    Raises:
        DatasetError: There is something of that name.
        EvaluationError: A picture cannot be read any more.
        OSError: The disk is full, and the like.
    """
    with written_beside(folder) as partial:
        for number, seen in enumerate(pictures, 1):
            stem = _UNFIT.sub("_", Path(seen.scene.name).stem)[:_NAME_CHARS]
            try:
                pixels = read_picture(seen.scene.path)
            except PictureError as error:
                raise EvaluationError(f"{seen.scene.name}: changed meanwhile: {error}") from error
            drawn = draw_seen(_enlarge(pixels), seen)
            (partial / f"{number:02}-{stem}.jpg").write_bytes(encode_jpeg(drawn))


def _enlarge(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    times = -(-LEAST_SIDE // max(pixels.shape[:2]))
    return pixels if times <= 1 else pixels.repeat(times, axis=0).repeat(times, axis=1)
