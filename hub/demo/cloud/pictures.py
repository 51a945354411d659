"""The pictures of the cloud demo: drawn signs with text, drawn books, and frames of the shipped clip."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from hub.demo.clips import CLIPS
from hub.demo.cloud.book_photo import Shot, take_photo

if TYPE_CHECKING:
    from numpy.typing import NDArray

Body = dict[str, Any]
WORDS = ("EXIT ONLY", "DANGER", "NO PARKING", "TICKETS", "PLATFORM 9", "OPEN")
ALARMING = "DANGER"
THUMBS_UP = "thumbs-up"
BOOKS = ("9784798045733", "9784537256109", "9784839964566")
"""The published books."""
SIZE = (480, 360)
SIDES = ("left", "top", "width", "height")
_BOARD = (0.12, 0.3, 0.76, 0.4)
EVERY_FRAMES = 7


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, and what the local Rekognition is to say of it, by operation."""

    data: bytes
    answers: dict[str, Body]

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def draw_sign(number: int) -> Picture:
    """Return a board with words on it, of every fourth the scene alone; each number gives another picture."""
    scene = take_photo([], size=SIZE, seed=number)
    if number % 4 == 1:
        return Picture(_encode(scene), {"DetectLabels": _scene(), "DetectText": _text("")})
    words = WORDS[number % len(WORDS)]
    left, top, width, height = _BOARD
    corner = (round(left * SIZE[0]), round(top * SIZE[1]))
    opposite = (round((left + width) * SIZE[0]), round((top + height) * SIZE[1]))
    cv2.rectangle(scene, corner, opposite, (40, 90, 30), -1)
    place = (corner[0] + 20, round((top + height * 0.65) * SIZE[1]))
    cv2.putText(scene, words, place, cv2.FONT_HERSHEY_SIMPLEX, 1.6, (240, 240, 240), 4)
    answers = {"DetectLabels": _labels(), "DetectText": _text(words)}
    return Picture(_encode(scene), answers)


def draw_book(number: int, *, barcode: bool) -> Picture:
    """Return a photograph of a book, whose barcode is turned and a little blurred; or of none."""
    shot = Shot(module_px=2.5, angle=(number * 25) % 180, blur_modules=0.2)
    books = [(BOOKS[number % len(BOOKS)], shot)] if barcode else []
    return Picture(_encode(take_photo(books, size=(640, 480), seed=10_000 + number)), {})


def read_thumbs() -> list[Picture]:
    """Return frames of the shipped clip of hands, with what is true of each. Blocks."""
    return list(_thumbs())


@cache
def _thumbs() -> tuple[Picture, ...]:
    clip = CLIPS[THUMBS_UP]
    truth = json.loads(clip.path.with_suffix(".json").read_text(encoding="utf-8"))["frames"]
    found = islice(zip(_frames(str(clip.path)), truth, strict=False), 0, None, EVERY_FRAMES)
    return tuple(Picture(_encode(f), {"DetectCustomLabels": _custom(t["thumbs_up"])}) for f, t in found)


def _frames(path: str) -> Iterator[NDArray[np.uint8]]:
    video = cv2.VideoCapture(path)
    try:
        while True:
            well, frame = video.read()
            if not well:
                return
            yield np.asarray(frame, np.uint8)
    finally:
        video.release()


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _box(left: float, top: float, width: float, height: float) -> Body:
    return {"Left": left, "Top": top, "Width": width, "Height": height}


def _labels() -> Body:
    sign = {"Name": "Sign", "Confidence": 97.9, "Instances": [{"BoundingBox": _box(*_BOARD)}]}
    return {"Labels": [sign, *_scene()["Labels"]], "LabelModelVersion": "3.0"}


def _scene() -> Body:
    return {"Labels": [{"Name": "Outdoors", "Confidence": 91.2}], "LabelModelVersion": "3.0"}


def _text(line: str) -> Body:
    """Return a line, if there is one, and its words, as DetectText says the same text twice."""
    geometry = {"BoundingBox": _box(*_BOARD)}
    kinds = [("LINE", line), *(("WORD", word) for word in line.split())] if line else []
    found = [
        {"DetectedText": text, "Type": kind, "Id": number, "Confidence": 99.4, "Geometry": geometry}
        for number, (kind, text) in enumerate(kinds)
    ]
    return {"TextDetections": found, "TextModelVersion": "3.0"}


def _custom(boxes: list[dict[str, float]]) -> Body:
    found = [
        {
            "Name": THUMBS_UP,
            "Confidence": 96.5,
            "Geometry": {"BoundingBox": _box(*(box[side] for side in SIDES))},
        }
        for box in boxes
    ]
    return {"CustomLabels": found}
