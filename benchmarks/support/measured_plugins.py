"""The plugins under measurement, copied into a made-up distribution, as if they had been installed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, JsonValue

from hub.event import Detection, Event, NewEvent
from hub.plugin import Calls, Decoded, Image, Message, PluginContext, hookimpl, read_classified


class Settings(BaseModel):
    """Nothing to set."""


class Noop:
    """Takes every event and does nothing with it."""

    Settings = Settings

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        pass

    @hookimpl
    async def deliver(self, event: Event) -> None:
        """Do nothing."""


class Hanging:
    """Never comes back from a delivery by itself."""

    Settings = Settings

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        pass

    @hookimpl
    async def deliver(self, event: Event) -> None:
        """Wait for what does not come."""
        await asyncio.get_running_loop().create_future()


class Stopwatch:
    """Notes the seconds from capture to delivery, and writes them to latencies.json when the hub stops."""

    Settings = Settings

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._path = context.data_dir / "latencies.json"
        self._seconds: list[float] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._path.write_text(json.dumps(self._seconds))

    @hookimpl
    async def deliver(self, event: Event) -> None:
        """Note how old the event is."""
        self._seconds.append((datetime.now(UTC) - event.captured_at).total_seconds())


class Classifier:
    """A paid classifier that answers in 50 ms."""

    Settings = Settings

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        pass

    @hookimpl
    async def classify(self, image: Image, calls: Calls) -> JsonValue:
        """Wait for the answer."""
        return await calls.ask("look", self._look, price=0.001)

    async def _look(self) -> JsonValue:
        await asyncio.sleep(0.05)
        return {"label": "door", "confidence": 0.9}

    @hookimpl
    def decode(self, message: Message) -> Decoded:
        """Make an event of the answer."""
        seen = read_classified(message)
        event = NewEvent(
            key=seen.image.key,
            source=message.source,
            device=seen.image.device,
            captured_at=seen.image.captured_at,
            detections=(Detection.model_validate(seen.answer),),
        )
        return Decoded(events=(event,), picture=seen.image.data)
