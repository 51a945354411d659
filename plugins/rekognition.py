"""Asks Amazon Rekognition about pictures, and makes one event of all its answers about a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from hub.plugin import (
    Batch,
    Calls,
    Decoded,
    Image,
    Message,
    PayloadError,
    PluginContext,
    Reject,
    RetryLater,
    Source,
    hookimpl,
)
from plugins.rekognition_asking import Asking
from plugins.rekognition_event import decode
from plugins.rekognition_history import History
from plugins.rekognition_model import BatchModel
from plugins.rekognition_picture import MAX_BYTES, check_sides
from plugins.rekognition_request import Inquiry, make_inquiries
from plugins.rekognition_settings import CustomLabelsSettings, RekognitionSettings
from plugins.rekognition_video import FinishedJobs

HISTORY = "rekognition-batches"


class Rekognition:
    """Several operations for one picture run together; the answer of each is kept as it comes."""

    Settings = RekognitionSettings

    def __init__(self, settings: RekognitionSettings, context: PluginContext) -> None:
        self._settings = settings
        self._context = context
        self._asking = Asking(settings)
        self._inquiries: tuple[Inquiry, ...] = ()
        self._stack = AsyncExitStack()
        self._trouble = ""

    def _model(self, custom: CustomLabelsSettings) -> BatchModel:
        path = self._context.data_dir / HISTORY / f"{self._context.name}.json"
        history = History(path, custom.inference_units * custom.hour_price)
        return BatchModel(custom, history, lambda: self._asking.client, self._settings.pause_s)

    async def __aenter__(self) -> Self:
        compare = self._settings.compare_faces
        face = None
        if compare is not None and "compare-faces" in self._settings.operations:
            face = await asyncio.to_thread(_read_face, self._context.data_dir / compare.face)
        self._inquiries = make_inquiries(self._settings, face)
        await self._stack.enter_async_context(self._asking)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @hookimpl
    async def classify(self, image: Image, calls: Calls) -> JsonValue:
        """Ask every operation about a picture; none is cut short by the failure of another."""
        check_sides(image)
        asked = [self._asking.ask(inquiry, image, calls) for inquiry in self._inquiries]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if failures:
            try:
                raise self._choose(failures)
            finally:
                del answers, failures  # what is raised would hold itself, and the picture
        self._trouble = ""
        return [answer for answer in answers if not isinstance(answer, BaseException)]

    def _choose(self, failures: list[BaseException]) -> BaseException:
        """Return what is to be raised of several failures: the picture's own, else the longest wait."""
        for failure in failures:
            if not isinstance(failure, RetryLater):
                is_pictures = isinstance(failure, (Reject, PayloadError))
                return failure if is_pictures or len(failures) == 1 else failures[0]
        waits = [failure for failure in failures if isinstance(failure, RetryLater)]
        longest = max(waits, key=lambda wait: wait.after_s)
        self._trouble = str(longest)
        return longest

    @hookimpl
    def decode(self, message: Message) -> Decoded:
        """Return the event of a picture, or of a moment of a video."""
        return decode(message, self._settings)

    @hookimpl
    async def begin_batch(self, batch: Batch) -> None:
        """Start the Custom Labels model, where there is one to start."""
        custom = self._settings.custom_labels
        if custom is None or "custom-labels" not in self._settings.operations:
            return
        if custom.project_arn is None:
            raise RetryLater(
                self._settings.pause_s, "custom_labels.project_arn is missing, to start the model by"
            )
        if batch.memory.get("version_arn") not in {None, custom.version_arn}:
            await self.end_batch(batch)
        await self._model(custom).begin(batch)

    @hookimpl
    async def end_batch(self, batch: Batch) -> None:
        """Stop the Custom Labels model, where this batch started it."""
        arns = {name: batch.memory.get(name) for name in ("version_arn", "project_arn")}
        if arns["version_arn"] is None:
            return
        # What was started is stopped, whatever the settings have become since.
        custom = self._settings.custom_labels or CustomLabelsSettings.model_validate(arns)
        await self._model(custom.model_copy(update=arns)).end(batch)

    @hookimpl
    def sources(self) -> Sequence[Source]:
        """Return the queue of finished video jobs, if there is one."""
        video = self._settings.video
        return [] if video is None else [FinishedJobs(self._settings, video, self._context.log)]

    @hookimpl
    def status(self) -> str:
        """Say what was asked since the start, what that cost, and what stands in the way."""
        asked = ", ".join(f"{name} {count}" for name, count in sorted(self._asking.calls.items()))
        spent = f"since the start {asked or 'nothing'} asked, USD {self._asking.spent:.3f}"
        budget = "".join(f", {limit.name} USD {limit.amount:g}" for limit in self._settings.limits)
        return f"{spent}{budget}" + (f"; waiting: {self._trouble}" if self._trouble else "")


def _read_face(path: Path) -> bytes:
    """Return the picture of the face to look for.

    Raises:
        ValueError: It cannot be sent.
    """
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise ValueError(f"compare_faces.face: {path.name} has {len(data)} bytes; at most {MAX_BYTES}")
    return data
