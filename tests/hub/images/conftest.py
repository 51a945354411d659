"""What the tests of pictures share: a small classifier, run beside a real store as the hub runs one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest
from pydantic import BaseModel

from hub.companion import Companion
from hub.config import Config
from hub.decode.message import Decoded, Message
from hub.event import Detection, NewEvent
from hub.loading import Loaded, make_instance
from hub.plugin import hookimpl, read_classified
from hub.program import make_decoders

DEADLINE_S = 60.0


class Classifier:
    """Answers how bright a picture is; its tests let it fail, wait or be paid.

    Attributes:
        behave: Called for each picture instead, with (image, calls).
        seen: The names of the pictures that it was asked about.
    """

    class Settings(BaseModel):
        model_config: ClassVar = {"extra": "forbid"}

    def __init__(self, settings: Any, context: Any) -> None:
        self.seen: list[str] = []
        self.behave: Callable[..., Any] | None = None

    @hookimpl
    async def classify(self, image: Any, calls: Any) -> Any:
        self.seen.append(image.name)
        return await self.behave(image, calls) if self.behave else self.answer(image)

    @staticmethod
    def answer(image: Any) -> Any:
        pixels = cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR)
        return {"bright": float(pixels.mean() / 255)}

    @hookimpl
    def decode(self, message: Message) -> Decoded:
        seen = read_classified(message)
        found = tuple(Detection(label=label, confidence=c) for label, c in seen.answer.items())
        event = NewEvent(
            key=seen.image.key,
            source=message.source,
            device=seen.image.device,
            captured_at=seen.image.captured_at,
            detections=found,
        )
        return Decoded(events=(event,), picture=seen.image.data)


def make_picture(shade: int = 90, kind: str = ".png") -> bytes:
    """Return a picture of 32 x 24 pixels; each shade another one."""
    pixels = np.full((24, 32, 3), shade % 256, np.uint8)
    pixels[0, 0] = (shade // 256, 0, 0)
    return bytes(cv2.imencode(kind, pixels)[1])


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def wait_until() -> Any:
    return until


@pytest.fixture
async def skip(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that moves the event loop's clock on by some seconds, for whom they would be long."""
    loop = asyncio.get_running_loop()
    own, skipped = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: own() + sum(skipped))
    return skipped.append


@pytest.fixture
def picture() -> Callable[..., bytes]:
    return make_picture


class Gallery:
    """An instance called `gallery` while it runs, and the store behind it."""

    def __init__(self, loaded: Loaded, store: Any, companion: Companion) -> None:
        self.plugin: Classifier = loaded.plugin
        self.loaded = loaded
        self.store = store
        self.companion = companion

    def events(self) -> list[tuple[str, str]]:
        """Return (key, device) of the events stored, by id."""
        return [(key, device) for key, device in self.store.sql("SELECT key, device FROM events ORDER BY id")]

    def refused(self) -> list[tuple[str, str]]:
        """Return (code, name) of what is in quarantine."""
        rows = self.store.sql("SELECT code, payload FROM quarantine ORDER BY id")
        return [(c, json.loads(p.partition(b"\n")[0])["image"]["name"]) for c, p in rows]

    def said(self) -> str:
        """Return what the part `waits` reports."""
        rows = self.store.sql("SELECT text FROM plugin_parts WHERE part = 'waits'")
        return rows[0][0] if rows else ""


@pytest.fixture
def running(store: Any) -> Callable[..., Any]:
    """A function that runs an instance with an `images` table, as the hub does beside its deliveries."""

    @asynccontextmanager
    async def run(
        behave: Callable[..., Any] | None = None,
        *,
        factory: Any = Classifier,
        limits: Any = None,
        gates: Any = None,
        timeout_s: float = 60,
        **images: Any,
    ) -> AsyncIterator[Gallery]:
        loaded = make_instance("gallery", factory, {"images": images, "timeout_s": timeout_s}, store.data_dir)
        assert isinstance(loaded, Loaded), loaded
        loaded.plugin.behave = behave
        config = Config(limits=limits or {}, gates=gates or {})
        companion = Companion(
            store.writer, make_decoders(config), frozenset(), store.log, store.data_dir, config.gates
        )
        task = asyncio.create_task(companion.run(loaded))
        try:
            yield Gallery(loaded, store, companion)
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    return run
