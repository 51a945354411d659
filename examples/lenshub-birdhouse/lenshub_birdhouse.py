"""Birdhouses: decodes who visits, brings in the journal of a house without a network, and keeps a diary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from hub.event import Detection, DeviceName, Event, NewEvent
from hub.plugin import Decoded, Message, PayloadError, PluginContext, Skip, Source, hookimpl

LOOK_EVERY_S = 0.5


class Journal:
    """A file that a logger appends lines to; what is committed is counted in a note beside it."""

    name = "journal"

    def __init__(self, path: Path, house: str) -> None:
        self._path = path
        self._house = house
        self._note = path.with_name(f"{path.name}.taken")

    async def messages(self) -> AsyncIterator[Message]:
        """Yield every complete line that is not committed yet, then wait for more."""
        taken = int(self._note.read_text()) if self._note.exists() else 0
        while True:
            text = await asyncio.to_thread(self._path.read_bytes)
            for line in text.split(b"\n")[taken:-1]:
                taken += 1
                yield Message("journal", f"journal/{self._house}/{taken}", line, datetime.now(UTC))
            await asyncio.sleep(LOOK_EVERY_S)

    async def acknowledge(self, message: Message) -> None:
        """Note how far it is committed."""
        await asyncio.to_thread(self._note.write_text, message.topic.rpartition("/")[2])


class Birdhouse:
    """One garden's birdhouses."""

    class Settings(BaseModel):
        """Where the diary is, and the house without a network."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        diary: Path = Field(default=Path("diary"), description="the folder of the diary, below data_dir")
        journal: Path | None = Field(default=None, description="a file that a logger appends to")
        house: DeviceName = Field(default="attic", description="the house that the journal is of")

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._diary = context.data_dir / settings.diary
        self._settings = settings
        self._visits = 0

    @hookimpl
    def decode(self, message: Message) -> Decoded:
        """Read `robin;0.93`; the topic, `birds/<house>/seen` or `journal/<house>/<line>`, has the house."""
        species, mark, confidence = message.payload.decode(errors="replace").partition(";")
        try:
            seen = Detection(label=species, confidence=float(confidence) if mark else 1.0)
        except ValueError as error:
            raise PayloadError(
                "bad_visit", f"expected species;confidence, found {message.payload[:80]!r}"
            ) from error
        event = NewEvent(
            source="birdhouse",
            device=message.topic.split("/")[1],
            captured_at=message.received_at,
            detections=(seen,),
            key=f"birdhouse:{message.topic}" if message.source == "journal" else None,
        )
        return Decoded(events=(event,))

    @hookimpl
    def sources(self) -> list[Source]:
        """Return the journal, if there is one."""
        journal, house = self._settings.journal, self._settings.house
        return [Journal(journal, house)] if journal is not None else []

    @hookimpl
    async def deliver(self, event: Event) -> str:
        """Write one page of the diary, named by the event: writing it again changes nothing."""
        visitor = event.best()
        if visitor is None:
            raise Skip("nobody came")
        page = self._diary / f"{event.captured_at:%Y-%m-%d}" / f"{event.id}.txt"
        await asyncio.to_thread(_write, page, f"{visitor.label} visits {event.device}\n")
        self._visits += 1
        return f"{page.parent.name}/{page.name}"

    @hookimpl
    def status(self) -> str:
        """Say how many came since the hub was started."""
        return f"{self._visits} visits"


def _write(page: Path, text: str) -> None:
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
