"""Decodes refused messages again, and stores what can be read now in place of what was kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from hub.decode.message import Decoded, Message
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
) -> list[str]:
    """Read messages again, oldest first; return in lines what came of it.

    One at a time, so that a kill in between leaves each either in quarantine or stored.
    """
    stored, reasons = asked.progress, Counter[str]()
    for one in await list_numbers(engine, number, code):
        message, whole = await read_message(engine, one)
        decoded = decode(message)
        if (reason := _why_not(decoded, whole=whole)) is not None:
            reasons[reason] += 1
            continue
        await _store(asked, one, message, decoded, writer)
        stored += 1
    lines = [f"{_count(stored)} read now and stored"]
    lines += [
        f"{_count(count)} left in quarantine: {why}" for why, count in reasons.most_common(TOLD_REASONS)
    ]
    return lines


async def _store(asked: Asked, number: int, message: Message, decoded: Decoded, writer: Writer) -> None:
    def leave(connection: Transaction) -> None:
        take_out(connection, number)
        count_progress(connection, asked.id)

    committed: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    read = Decoded(events=decoded.events, picture=decoded.picture, device=decoded.device)
    await writer.room()
    writer.add(Burst((Arrival(message, read, late=True),), committed.set_result, leave))
    await committed


def _why_not(decoded: Decoded, *, whole: bool) -> str | None:
    if not whole:
        return "only its beginning was kept"
    if decoded.error is not None:
        return f"{decoded.error.code}: {decoded.error.reason}"
    return (
        None if decoded.events else "it can be read, but holds no event: a state of its device that is past"
    )


def _count(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages} messages"
