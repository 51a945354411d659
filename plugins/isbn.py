"""Books in photographs: the barcode first, a classifier where there is none. Labels are checked ISBN-13."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from pydantic import JsonValue

from hub.errors import DeliveryError
from hub.plugin import (
    Calls,
    Decoded,
    Image,
    Message,
    PayloadError,
    PluginContext,
    Reject,
    RetryLater,
    hookimpl,
    read_classified,
)
from plugins.isbn_classes import read_classes
from plugins.isbn_event import write_event
from plugins.isbn_http import RETRY_S, HttpClassifier
from plugins.isbn_openvino import OpenVinoClassifier
from plugins.isbn_sagemaker import SageMakerClassifier
from plugins.isbn_settings import IsbnSettings

AT_ONCE = 2
"""How many pictures are unpacked at a time: one of 40 megapixels takes 160 MB."""

READER = version("zxing-cpp")
Result = TypeVar("Result")


class Classifier(Protocol):
    """What can be asked about a picture; entered before, and left after."""

    name: str

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def ask(self, jpeg: bytes) -> JsonValue:
        """Return what is kept of the answer about a JPEG."""
        ...


def _make_classifier(settings: IsbnSettings, base: Path) -> Classifier | None:
    classes = None if settings.classes is None else read_classes(settings.classes, base)
    if settings.http is not None:
        return HttpClassifier(settings.http, classes)
    if settings.sagemaker is not None:
        return SageMakerClassifier(settings.sagemaker, classes)
    return None if settings.openvino is None else OpenVinoClassifier(settings.openvino, base)


class Isbn:
    """Classifies the pictures of its `images` table; delivers nothing."""

    Settings = IsbnSettings

    def __init__(self, settings: IsbnSettings, context: PluginContext) -> None:
        self._settings = settings
        self._model = _make_classifier(settings, context.data_dir)
        self._stack = AsyncExitStack()
        self._unpacking = asyncio.Semaphore(AT_ONCE)
        self._barcodes = self._asked = 0

    async def __aenter__(self) -> Self:
        if self._model is not None:
            await self._stack.enter_async_context(self._model)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @hookimpl
    async def classify(self, image: Image, calls: Calls) -> JsonValue:
        """Take the steps of the cascade until one finds a book; what they found is the answer."""
        said: dict[str, JsonValue] = {}
        for step in self._settings.steps:
            if step == "barcode":
                said["barcodes"] = await self._read_barcodes(image)
            else:
                said["model"] = await self._ask(image, calls)
            if self._is_found(said):
                break
        return said

    def _is_found(self, said: dict[str, Any]) -> bool:
        guesses = said.get("model", {}).get("guesses", [])
        return bool(said.get("barcodes")) or any(p >= self._settings.threshold for _, p in guesses)

    async def _read_barcodes(self, image: Image) -> list[JsonValue]:
        from plugins.isbn_barcode import read_barcodes
        from plugins.isbn_photo import read_grey

        readings = await self._unpack(lambda data: read_barcodes(read_grey(data)), image.data)
        self._barcodes += bool(readings)
        return [
            {
                "isbn": found.isbn.isbn13,
                "box": list(found.box.model_dump().values()),
                "sharpened": found.sharpened,
            }
            for found in readings
        ]

    async def _ask(self, image: Image, calls: Calls) -> dict[str, JsonValue]:
        """Ask the model, unless an earlier attempt did.

        Raises:
            RetryLater: The far side is down, throttles, or the budget is used up.
            Reject: It refused the picture.
            PayloadError: `bad_answer`: what it answered cannot be used.
        """
        if self._model is None:
            raise RuntimeError("the cascade has a model where there is none")
        call = partial(self._ask_model, self._model, image)
        settings = self._settings
        try:
            answer = await calls.ask("model", call, price=settings.price_usd, limits=settings.limits)
        except DeliveryError as error:  # raised so far, so that it counts as paid
            raise RetryLater(RETRY_S, str(error)) from error
        if not isinstance(answer, dict):
            raise PayloadError("bad_answer", "the kept answer of the model is not one of this plugin's")
        if "unusable" in answer:
            raise PayloadError("bad_answer", str(answer["unusable"]))
        return answer

    async def _ask_model(self, model: Classifier, image: Image) -> JsonValue:
        from plugins.isbn_photo import shrink

        jpeg = await self._unpack(partial(shrink, longest_px=self._settings.longest_px), image.data)
        self._asked += 1
        return await model.ask(jpeg)

    async def _unpack(self, work: Callable[[bytes], Result], data: bytes) -> Result:
        """Let a thread work on a picture."""
        from hub.draw.picture import PictureError

        async with self._unpacking:
            try:
                return await asyncio.to_thread(work, data)
            except PictureError as error:
                raise Reject(str(error)) from error

    @hookimpl
    def decode(self, message: Message) -> Decoded:
        """Make one event of a picture and what was found on it."""
        seen = read_classified(message)
        event = write_event(seen, message.source, self._settings.threshold, self._settings.guesses, READER)
        return Decoded(events=(event,), picture=seen.image.data)

    @hookimpl
    def status(self) -> str:
        """Say how many pictures had a barcode, and how often the model was asked, since the start."""
        asked = (
            ""
            if self._model is None
            else f", {self._model.name} asked {self._asked} time{'' if self._asked == 1 else 's'}"
        )
        return f"{self._barcodes} picture{'' if self._barcodes == 1 else 's'} with a barcode{asked}"
