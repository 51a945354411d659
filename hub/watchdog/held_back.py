"""Which plugin instances are held back, and why: a file, because the loop may be blocked when it is written.

An instance is held back until its table in hub.toml is changed, or `lenshub release NAME` is given; then it
runs from the next start or reload on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from hub.event import Name, Plain, UtcTime

log = logging.getLogger(__name__)

FILE_NAME = "held-back.json"
DEATHS = 3
"""As often in a row the hub must die with the same instance at the same event to be taken for its doing."""


class Held(Plain):
    """Why an instance is held back, since when, and the digest of the table it had."""

    reason: str
    since: UtcTime
    table: str


class Suspect(Plain):
    """Who was on the loop when the hub last died, and how often in a row."""

    name: Name
    event_id: int
    deaths: int = 1


class _Book(Plain):
    held: dict[Name, Held] = Field(default_factory=dict)
    suspect: Suspect | None = None


_BOOK = TypeAdapter(_Book)


def digest_table(table: Mapping[str, Any]) -> str:
    """Return what tells one table from another."""
    return hashlib.sha256(json.dumps(to_jsonable_python(table), sort_keys=True).encode()).hexdigest()


class HeldBack:
    """The file of a data folder, and the tables of hub.toml as they are now."""

    def __init__(self, data_dir: Path, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self._path = data_dir / FILE_NAME
        self._tables = tables

    def follow(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        """Go by other tables from now on: hub.toml was read again."""
        self._tables = tables

    def refusal(self, name: str) -> str | None:
        """Return why an instance must not run, and what to do about it; None when it may."""
        held = self._read().held.get(name)
        table = self._tables.get(name, {})
        if held is None or held.table != digest_table(table) or table.get("isolation") == "process":
            return None
        return (
            f"held back since {held.since:%Y-%m-%d %H:%M} UTC: {held.reason}. Give it isolation = "
            f'"process" in hub.toml, or let it run again as it is: lenshub release {name}'
        )

    def hold(self, name: str, reason: str) -> None:
        """Hold an instance back from the next start on; the file is flushed to the disk."""
        book = self._read()
        table = digest_table(self._tables.get(name, {}))
        held = Held(reason=reason[:1000], since=datetime.now(UTC), table=table)
        self._write(book.model_copy(update={"held": book.held | {name: held}}))

    def try_hold(self, name: str, reason: str) -> None:
        """Hold an instance back if the file can be written, and log which of the two it was."""
        try:
            self.hold(name, reason)
        except OSError as error:
            told = "plugin.not_held_back %s: %s; could not be written down: %s"
            log.error(told, name, reason, error)  # noqa: TRY400 - all is said
        else:
            log.error("plugin.held_back %s at the next start: %s", name, reason)

    def release(self, name: str) -> bool:
        """Let an instance run again; return whether it was held back."""
        book = self._read()
        if name not in book.held:
            return False
        left = {other: held for other, held in book.held.items() if other != name}
        self._write(_Book(held=left))
        return True

    def suspect(self, name: str, event_id: int) -> int:
        """Note who was on the loop when the hub died; return for how many deaths in a row."""
        book = self._read()
        last = book.suspect
        again = last is not None and (last.name, last.event_id) == (name, event_id)
        deaths = last.deaths + 1 if again and last else 1
        now = Suspect(name=name, event_id=event_id, deaths=deaths)
        self._write(book.model_copy(update={"suspect": now}))
        return deaths

    def _read(self) -> _Book:
        try:
            return _BOOK.validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return _Book()  # a damaged file holds nobody back

    def _write(self, book: _Book) -> None:
        partial = self._path.with_name(f".{self._path.name}.partial")
        with partial.open("wb") as file:
            file.write(_BOOK.dump_json(book, indent=1))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
