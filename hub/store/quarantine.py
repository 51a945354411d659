"""Refused messages: which there are, and how they leave quarantine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.decode.message import Message
from hub.store.schema import quarantine


def _wanted(number: int | None, code: str | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if number is not None:
        wanted.append(quarantine.c.id == number)
    if code is not None:
        wanted.append(quarantine.c.code == code)
    return wanted


async def list_numbers(engine: AsyncEngine, number: int | None, code: str | None) -> list[int]:
    """Return the numbers of refused messages, oldest first: of one, of those with a code, or of all."""
    statement = select(quarantine.c.id).where(*_wanted(number, code)).order_by(quarantine.c.id)
    async with engine.connect() as connection:
        return list((await connection.execute(statement)).scalars())


async def read_message(engine: AsyncEngine, number: int) -> tuple[Message, bool]:
    """Return a refused message as it was received, and whether all of its bytes were kept."""
    async with engine.connect() as connection:
        row: Any = (await connection.execute(select(quarantine).where(quarantine.c.id == number))).one()
    message = Message(row.source, row.topic, row.payload, row.received_at)
    return message, len(row.payload) == row.payload_bytes


def take_out(connection: Connection, number: int) -> None:
    """Remove one message."""
    connection.execute(delete(quarantine).where(quarantine.c.id == number))


def drop(connection: Connection, number: int | None, code: str | None) -> int:
    """Remove messages for good; return how many."""
    return connection.execute(delete(quarantine).where(*_wanted(number, code))).rowcount
