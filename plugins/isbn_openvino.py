"""Runs a classification model of your own in OpenVINO, in the format of the camera agent's models."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import JsonValue

from edge.model_card import read_card
from hub.errors import ConfigError
from plugins.isbn_answer import KEPT
from plugins.isbn_http import write_answer
from plugins.isbn_settings import OpenVinoSettings

if TYPE_CHECKING:
    from edge.model import Detector


class OpenVinoClassifier:
    """A model folder; one picture at a time, in a thread.

    Raises:
        ConfigError: The folder, or what is in it, is not such a model.
    """

    def __init__(self, settings: OpenVinoSettings, base: Path) -> None:
        self._folder = base / settings.folder
        card = read_card(self._folder)
        if card.kind != "classification":
            raise ConfigError(f"openvino.folder: {self._folder}: is of kind {card.kind}, not classification")
        # All that the network thinks is wanted here; `threshold` of the instance decides.
        self._card = card.model_copy(update={"threshold": 0.0, "thresholds": {}, "top_k": KEPT})
        self._device = settings.device
        self._detector: Detector | None = None
        self._turn = asyncio.Lock()
        self.name = card.name

    async def __aenter__(self) -> Self:
        self._detector = await asyncio.to_thread(self._load)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._detector = None

    def _load(self) -> Detector:
        from edge.model import Detector

        return Detector(self._folder, device=self._device, card=self._card)

    async def ask(self, jpeg: bytes) -> JsonValue:
        """Look at a picture and return what is kept of it."""
        async with self._turn:  # a Detector is not for two threads
            guesses = await asyncio.to_thread(self._classify, jpeg)
        return write_answer(self.name, self._card.version, guesses)

    def _classify(self, jpeg: bytes) -> list[tuple[str, Any]]:
        from hub.draw.picture import decode_picture

        if self._detector is None:
            raise RuntimeError("the model is used outside of its `async with`")
        return [(found.label, found.confidence) for found in self._detector.detect(decode_picture(jpeg))]
