"""Takes events out of a folder: a JSON file each, with its picture beside it. Removed once committed."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from hub.event import MAX_DETECTIONS, Attributes, Box, Detection, DeviceName, Model, Name, NewEvent, UtcTime
from hub.plugin import Decoded, Message, PayloadError, PluginContext, Source, hookimpl

SETTLED_S = 1.0
"""A file that was written to a moment ago may not be complete."""
MAX_BYTES = 16 * 1024 * 1024
TOLD_PROBLEMS = 10


class _File(NamedTuple):
    path: Path
    topic: str
    size: int


class _Line(BaseModel):
    """What a file says. A person wrote it, so an unknown member is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    device: DeviceName
    captured_at: UtcTime | None = None
    source: Name = "inbox"
    model: Model | None = None
    detections: Annotated[tuple[Detection, ...], Field(max_length=MAX_DETECTIONS)] = ()
    attributes: Attributes = Field(default_factory=dict)


_TABLES: dict[str, type[BaseModel]] = {"": _Line, "detections": Detection, "box": Box, "model": Model}


def _list(folder: Path) -> list[_File]:
    """Return the settled JSON files of a folder, oldest first; not links and other things."""
    found = []
    for path in folder.glob("*.json"):
        try:
            facts = path.lstat()
        except OSError:
            continue  # somebody took it back
        if stat.S_ISREG(facts.st_mode) and abs(time.time() - facts.st_mtime) > SETTLED_S:
            # Name and time tell a file that is read again from a new one of the same name.
            topic = f"inbox/{facts.st_mtime_ns}/{repr(path.name)[1:-1][:400]}"
            found.append((facts.st_mtime_ns, _File(path, topic, facts.st_size)))
    return [file for _, file in sorted(found)]


def _read(path: Path) -> bytes | None:
    """Return the JSON, and after a line feed the picture if there is one; None where it cannot be read."""
    picture = path.with_suffix(".jpg")
    try:
        line = path.read_bytes()
        if picture.is_file() and not picture.is_symlink() and picture.stat().st_size <= MAX_BYTES:
            return b" ".join(line.splitlines()) + b"\n" + picture.read_bytes()
    except OSError:
        return None
    return line


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".jpg").unlink(missing_ok=True)


def _parse(line: bytes) -> _Line:
    try:
        return _Line.model_validate_json(line)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        more = [f"and {len(found) - TOLD_PROBLEMS} more"] if len(found) > TOLD_PROBLEMS else []
        problems = [*map(_describe, found[:TOLD_PROBLEMS]), *more]
        raise PayloadError("bad_event", "; ".join(problems)) from error


def _describe(problem: ErrorDetails) -> str:
    steps = [repr(str(step))[1:-1][:40] for step in problem["loc"]]
    place = ".".join(steps) or "the file"
    if problem["type"] != "extra_forbidden":
        return f"{place}: {problem['msg']}"
    table = next((step for step in reversed(steps[:-1]) if not step.isdecimal()), "")
    return f"{place}: unknown (known: {', '.join(_TABLES[table].model_fields)})"


class _Folder:
    """The source: looks into the folder again and again."""

    name = "folder"

    def __init__(self, root: Path, every_s: float) -> None:
        self._root = root
        self._every_s = every_s
        self._given: dict[str, Path] = {}
        self.left_alone = 0

    async def messages(self) -> AsyncIterator[Message]:
        self._given.clear()
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        while True:
            left_alone = 0
            for file in await asyncio.to_thread(_list, self._root):
                if file.topic in self._given:
                    continue
                payload = await asyncio.to_thread(_read, file.path) if file.size <= MAX_BYTES else None
                if payload is None:
                    left_alone += file.path.exists()  # else it was taken a moment ago
                    continue
                self._given[file.topic] = file.path
                yield Message("inbox", file.topic, payload, datetime.now(UTC))
            self.left_alone = left_alone
            await asyncio.sleep(self._every_s)

    async def acknowledge(self, message: Message) -> None:
        await asyncio.to_thread(_remove, self._given[message.topic])
        del self._given[message.topic]  # not before, or it would be found again


class Inbox:
    """Brings events; delivers none."""

    class Settings(BaseModel):
        """Where the files are, and how often to look."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        folder: Path = Field(default=Path("inbox"), description="where the files are")
        every_s: Annotated[float, Field(gt=0, le=3600)] = Field(
            default=2.0, description="look for new ones so often"
        )

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._folder = _Folder(context.data_dir / settings.folder, settings.every_s)
        self._log = context.log
        self._events = self._refused = 0

    @hookimpl
    def sources(self) -> list[Source]:
        """Return the folder."""
        return [self._folder]

    @hookimpl
    def decode(self, message: Message) -> Decoded:
        """Read the JSON; the key is the file's time and name, so that one read again is stored once."""
        line, feed, picture = message.payload.partition(b"\n")
        if not feed or not picture.startswith(b"\xff\xd8"):
            line, picture = message.payload, b""
        try:
            said = _parse(line)
        except PayloadError as error:
            self._refused += 1
            self._log.warning("refused %s: %s", message.topic.rpartition("/")[2], error)
            raise
        self._events += 1
        event = NewEvent(
            key=message.topic,
            source=said.source,
            device=said.device,
            captured_at=said.captured_at or message.received_at,
            model=said.model,
            detections=said.detections,
            attributes=said.attributes,
        )
        return Decoded(events=(event,), picture=picture or None)

    @hookimpl
    def status(self) -> str:
        """Say how many files were taken since the start, and how many were or are not."""
        said = f"{self._events} event{'s' * (self._events != 1)}"
        if self._refused:
            said += f", {self._refused} refused: see `lenshub quarantine list`"
        if left := self._folder.left_alone:
            said += f", {left} left alone: above 16 MiB, or not readable"
        return said
