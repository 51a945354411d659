"""Keeps frames as training data: at model input size, with a SageMaker JSON annotation; all, or a choice."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from hub.draw.threads import work_on_picture
from hub.event import Event
from hub.plugin import Captured, Delivery, PluginContext, Skip, StoredFrame, hookimpl
from plugins.archive_record import make_metadata
from plugins.capture_sampler import Sampler
from plugins.capture_strategies import list_candidates
from plugins.class_ids import ClassIds
from plugins.naming import file_stem
from plugins.retraining_picture import TrainingPicture, make_annotation, make_picture
from plugins.retraining_provenance import make_provenance
from plugins.retraining_settings import MAX_SIDE, MIN_SIDE, RetrainingSettings

JPEG, JSON = "image/jpeg", "application/json"
DEFAULT_SIDE = 512  # the published system's input


def _side_from(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if MIN_SIDE <= value <= MAX_SIDE else None


class Retraining:
    """Writes raw_images/, frames_resized/ and training_annotation/ for every frame with boxes.

    With a strategy it does so for what was captured, also without boxes, and writes provenance/ as well.
    """

    Settings = RetrainingSettings

    def __init__(self, settings: RetrainingSettings, context: PluginContext) -> None:
        self._size = (settings.width, settings.height)
        self._place = settings.make_place(context.data_dir)
        self._class_ids = ClassIds(settings.labels, self._place)
        self._sampler = Sampler(settings) if settings.strategies else None

    async def __aenter__(self) -> Self:
        await self._place.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._place.__aexit__(kind, error, trace)

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None, delivery: Delivery) -> str:
        """Keep one frame; the note is the path of its annotation, or else of its provenance."""
        if frame is None:
            raise Skip("no frame")
        if self._sampler is not None:
            captured = await self._sampler.choose(event, frame, delivery)
            return await self._keep(event, frame, captured, delivery.plugin)
        if not event.detections:
            raise Skip("no detections")
        made = await self._make(event, frame)
        if not made.rectangles:
            raise Skip("no detection has a box inside the frame")
        return await self._write(event, made, None, annotated=True)

    async def _keep(self, event: Event, frame: StoredFrame, captured: Captured, plugin: str) -> str:
        made = await self._make(event, frame)
        provenance = make_provenance(event, captured, plugin, f"retrain_{file_stem(event)}.jpg")
        # What a model may have missed, or saw without a place, must not be taught as a picture of nothing.
        nothing = not event.detections and not list_candidates(event)
        path = await self._write(event, made, provenance, annotated=nothing or bool(made.rectangles))
        return f"{path}: {', '.join(captured.reasons)} ({captured.score:.2f})"

    async def _make(self, event: Event, frame: StoredFrame) -> TrainingPicture:
        size = self._input_size(event)
        return await work_on_picture(make_picture, await frame.read(), size, event.detections)

    async def _write(
        self, event: Event, made: TrainingPicture, provenance: bytes | None, *, annotated: bool
    ) -> str:
        """Write a frame's files; return the path of the last one, so that what leads there is complete."""
        class_ids = await self._class_ids.number([item.detection for item in made.rectangles])
        stem = file_stem(event)
        name, path = f"retrain_{stem}.jpg", ""
        await self._add(event, f"raw_images/{name}", made.raw, JPEG)
        await self._add(event, f"frames_resized/resized_{stem}.jpg", made.boxed, JPEG)
        if provenance is not None:
            path = f"provenance/retrain_{stem}.json"
            await self._add(event, path, provenance, JSON)
        if annotated:
            path = f"training_annotation/retrain_{stem}.json"
            annotation = make_annotation(name, self._input_size(event), made.rectangles, class_ids)
            await self._add(event, path, annotation, JSON)
        return path

    async def _add(self, event: Event, key: str, data: bytes, content_type: str) -> None:
        await self._place.add(key, data, content_type, make_metadata(event, data))

    def _input_size(self, event: Event) -> tuple[int, int]:
        """Return (width, height): as set, as the agent says its model's input is, or 512 x 512."""
        width, height = self._size
        if width is None or height is None:
            width, height = (
                _side_from(event.attributes.get(f"input_{side}")) for side in ("width", "height")
            )
        return (width, height) if width and height else (DEFAULT_SIDE, DEFAULT_SIDE)
