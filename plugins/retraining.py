"""Keeps frames with detections as training data: at model input size, with a SageMaker JSON annotation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.draw.threads import work_on_picture
from hub.event import Detection, Event, Name
from hub.plugin import PluginContext, Reject, Skip, StoredFrame, hookimpl
from plugins.class_ids import MAX_CLASSES, ClassIds
from plugins.folder import Folder
from plugins.naming import file_stem

if TYPE_CHECKING:
    from hub.draw.letterbox import Letterbox

DEFAULT_SIDE = 512  # the published system's input
MIN_SIDE, MAX_SIDE = 16, 4096

Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE)]


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


def _make_picture(data: bytes, size: tuple[int, int], detections: Sequence[Detection]) -> TrainingPicture:
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


def _side_from(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if MIN_SIDE <= value <= MAX_SIDE else None


class Retraining:
    """Writes raw_images/, frames_resized/ and training_annotation/ for every frame with boxes."""

    class Settings(BaseModel):
        """Where the training set is, the size of its pictures, and its classes."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        folder: Path = Field(default=Path("training"), description="where the training set is")
        width: Side | None = Field(
            default=None, description="of the pictures, in pixels; without it the model's input, else 512"
        )
        height: Side | None = Field(default=None, description="of the pictures; set both or neither")
        labels: Annotated[tuple[Name, ...], Field(max_length=MAX_CLASSES)] = Field(
            default=(), description="labels in the order of their class ids, for detections that bring none"
        )

        @model_validator(mode="after")
        def _check(self) -> Self:
            if (self.width is None) != (self.height is None):
                raise ValueError("set width and height, or neither for the model's input size")
            twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
            if twice:
                raise ValueError(f"labels: {', '.join(twice)} is there twice")
            return self

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._size = (settings.width, settings.height)
        self._folder = Folder(context.data_dir / settings.folder)
        self._class_ids = ClassIds(settings.labels, self._folder)

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None) -> str:
        """Keep one frame; the note is the path of its annotation."""
        if frame is None:
            raise Skip("no frame")
        if not event.detections:
            raise Skip("no detections")
        size = self._input_size(event)
        made = await work_on_picture(_make_picture, await frame.read(), size, event.detections)
        if not made.rectangles:
            raise Skip("no detection has a box inside the frame")
        class_ids = await self._class_ids.number([item.detection for item in made.rectangles])
        stem = file_stem(event)
        name = f"retrain_{stem}.jpg"
        await self._folder.write(f"raw_images/{name}", made.raw)
        await self._folder.write(f"frames_resized/resized_{stem}.jpg", made.boxed)
        # Last, so that an annotation always has its picture.
        annotation = f"training_annotation/retrain_{stem}.json"
        await self._folder.write(annotation, make_annotation(name, size, made.rectangles, class_ids))
        return annotation

    def _input_size(self, event: Event) -> tuple[int, int]:
        """Return (width, height): as set, as the agent says its model's input is, or 512 x 512."""
        width, height = self._size
        if width is None or height is None:
            width, height = (
                _side_from(event.attributes.get(f"input_{side}")) for side in ("width", "height")
            )
        return (width, height) if width and height else (DEFAULT_SIDE, DEFAULT_SIDE)
