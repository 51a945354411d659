"""Decodes refused messages again, and stores what can be read now in place of what was kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from hub.decode.message import Decoded, Message
from hub.errors import PayloadError
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.commands import Asked, count_progress
from hub.store.database import Database, Transaction
from hub.store.quarantine import list_numbers, read_message, take_out
from hub.store.writer import Writer

TOLD_REASONS = 10


async def requeue(
    asked: Asked,
    number: int | None,
    code: str | None,
    writer: Writer,
    engine: Database,
    decode: Callable[[Message], Decoded],
) -> tuple[list[str], bool]:
    """Read messages again, oldest first; return in lines what came of it, and whether all were stored.

    One at a time, so that a kill in between leaves each either in quarantine or stored.
    """
    stored, reasons = asked.progress, Counter[str]()
    for one in await list_numbers(engine, number, code):
        message, whole = await read_message(engine, one)
        decoded = decode(message)
        reason = _why_not(decoded, whole=whole)
        reason = reason or await _store(asked, one, message, decoded, writer)
        if reason is None:
            stored += 1
        else:
            reasons[reason] += 1
    return [f"{_count(stored)} read now and stored", *_tell_left(reasons)], not reasons


def _tell_left(reasons: Counter[str]) -> list[str]:
    if not reasons:
        return []
    lines = [f"{_count(reasons.total())} refused again and left in quarantine"]
    lines += [f"{_count(count)}: {why}" for why, count in reasons.most_common(TOLD_REASONS)]
    return [*lines, "and other reasons"] if len(reasons) > TOLD_REASONS else lines


async def _store(asked: Asked, number: int, message: Message, decoded: Decoded, writer: Writer) -> str | None:
    """Store what a message says; return why the store refused it, where it did: then it has a new number."""
    refused: list[PayloadError] = []

    def leave(connection: Transaction, errors: Sequence[PayloadError]) -> None:
        refused[:] = errors
        take_out(connection, number)
        if not errors:
            count_progress(connection, asked.id)

    committed: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    read = Decoded(events=decoded.events, picture=decoded.picture, device=decoded.device)
    await writer.room()
    writer.add(Burst((Arrival(message, read, late=True),), committed.set_result, leave))
    await committed
    return _show(refused[0]) if refused else None


def _why_not(decoded: Decoded, *, whole: bool) -> str | None:
    if not whole:
        return "only its beginning was kept"
    if decoded.error is not None:
        return _show(decoded.error)
    return (
        None if decoded.events else "it can be read, but holds no event: a state of its device that is past"
    )


def _show(error: PayloadError) -> str:
    return f"{error.code}: {error.reason}"


def _count(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages} messages"
