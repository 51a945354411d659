"""The table through which people change a running hub: they add a row, the hub executes and answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.errors import StoreError
from hub.store.database import database_path, open_write_engine
from hub.store.schema import commands

KEPT = 1000
"""How many answered commands are kept."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that waits for its answer; `progress` is what an earlier try of it has done."""

    id: int
    action: str
    arguments: dict[str, Any]
    progress: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command, in lines for people; not `ok`: not all of it was done, and why."""

    ok: bool
    lines: tuple[str, ...]


def ask(data_dir: Path, action: str, arguments: Mapping[str, Any]) -> int:
    """Commit a command, beside whatever the hub is writing, and return its number. Blocks.

    Raises:
        StoreError: The database cannot be written.
    """
    engine = open_write_engine(data_dir)
    try:
        with closing(engine.connect()) as connection:
            number = add_command(connection, action, arguments)
            connection.commit()
            return number
    except DatabaseError as error:
        raise StoreError(f"{database_path(data_dir)}: cannot be written: {error.orig}") from error
    finally:
        engine.dispose()


def add_command(connection: Connection, action: str, arguments: Mapping[str, Any]) -> int:
    """Add a command that waits to be executed."""
    row = {"action": action, "arguments": dict(arguments), "asked_at": datetime.now(UTC)}
    return int(connection.execute(insert(commands).values(row).returning(commands.c.id)).scalar_one())


async def list_asked(engine: AsyncEngine) -> list[Asked]:
    """Return the commands without an answer, oldest first."""
    statement = select(commands).where(commands.c.answered_at.is_(None)).order_by(commands.c.id)
    async with engine.connect() as connection:
        rows = (await connection.execute(statement)).all()
    return [Asked(row.id, row.action, row.arguments, row.progress) for row in rows]


async def read_answer(engine: AsyncEngine, number: int) -> Answer | None:
    """Return a command's answer, or None while there is none."""
    statement = select(commands.c.ok, commands.c.answer).where(
        commands.c.id == number, commands.c.answered_at.is_not(None)
    )
    async with engine.connect() as connection:
        found = (await connection.execute(statement)).one_or_none()
    return None if found is None else Answer(bool(found.ok), tuple(found.answer))


def answer(connection: Connection, number: int, lines: Sequence[str], *, ok: bool) -> None:
    """Answer a command, in the transaction of what it changes."""
    connection.execute(
        update(commands)
        .where(commands.c.id == number)
        .values(answered_at=datetime.now(UTC), ok=ok, answer=list(lines))
    )
    oldest_kept = select(commands.c.id).order_by(commands.c.id.desc()).offset(KEPT - 1).limit(1)
    connection.execute(
        delete(commands).where(
            commands.c.id < oldest_kept.scalar_subquery(), commands.c.answered_at.is_not(None)
        )
    )


def count_progress(connection: Connection, number: int) -> None:
    """Count one step of a command, in that step's transaction."""
    changed = {"progress": commands.c.progress + 1}
    connection.execute(update(commands).where(commands.c.id == number).values(changed))
