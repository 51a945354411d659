"""Makes a frame training data: at model input size, with its boxes in pixels and SageMaker's annotation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.event import Detection
from hub.plugin import Reject

if TYPE_CHECKING:
    from hub.draw.letterbox import Letterbox


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A detection in whole pixels of the training picture, inside of it."""

    detection: Detection
    left: int
    top: int
    width: int
    height: int


def _clip(first: float, second: float, low: int, high: int) -> tuple[int, int]:
    """Return (start, length) in whole pixels of what lies between low and high; the length may be 0."""
    start, end = (round(min(max(edge, low), high)) for edge in (first, second))
    return start, end - start


def place_boxes(fit: Letterbox, detections: Sequence[Detection]) -> list[Rectangle]:
    """Return the boxes in pixels of the letterboxed picture, clipped to where the frame lies in it.

    Detections without a box, and boxes of which nothing is left, are dropped.
    """
    placed = []
    for detection in detections:
        if detection.box is None:
            continue
        xmin, ymin, xmax, ymax = fit.to_input(detection.box).corners_in(fit.width, fit.height)
        left, width = _clip(xmin, xmax, fit.left, fit.left + fit.inner_width)
        top, height = _clip(ymin, ymax, fit.top, fit.top + fit.inner_height)
        if width > 0 and height > 0:
            placed.append(Rectangle(detection, left, top, width, height))
    return placed


def make_annotation(
    file: str, size: tuple[int, int], rectangles: Sequence[Rectangle], class_ids: Sequence[int]
) -> bytes:
    """Return the JSON of SageMaker's built-in object detection for one picture of (width, height) pixels."""
    numbered = list(zip(class_ids, rectangles, strict=True))
    categories = sorted({(class_id, item.detection.label) for class_id, item in numbered})
    annotation = {
        "file": file,
        "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
        "annotations": [
            {
                "class_id": class_id,
                "left": item.left,
                "top": item.top,
                "width": item.width,
                "height": item.height,
            }
            for class_id, item in numbered
        ],
        "categories": [{"class_id": class_id, "name": name} for class_id, name in categories],
    }
    return json.dumps(annotation, ensure_ascii=False, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """A frame at input size: JPEGs without and with boxes, and where the boxes are."""

    raw: bytes
    boxed: bytes
    rectangles: list[Rectangle]


def make_picture(data: bytes, size: tuple[int, int], detections: Sequence[Detection]) -> TrainingPicture:
    """Letterbox a frame. Blocks; call it in a thread.

    Raises:
        Reject: The bytes are no picture.
    """
    from hub.draw.letterbox import Letterbox
    from hub.draw.picture import PictureError, decode_picture, draw_detections, encode_jpeg

    try:
        pixels = decode_picture(data)
    except PictureError as error:
        raise Reject(f"the frame is no picture: {error}") from error
    fit = Letterbox.fit(pixels.shape[1], pixels.shape[0], *size)
    raw = fit.resize(pixels)
    mapped = [d.model_copy(update={"box": fit.to_input(d.box)}) for d in detections if d.box is not None]
    boxed = draw_detections(raw, mapped)
    return TrainingPicture(encode_jpeg(raw), encode_jpeg(boxed), place_boxes(fit, detections))
