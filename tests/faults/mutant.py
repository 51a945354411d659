"""Runs `lenshub` with one promise broken: `mutant.py NAME run --config FILE`. The kill test must notice.

Each mutant also widens the moment it is about, so that a kill finds it; `slow` only widens.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from hub.cli import app
from hub.dispatch.delivery import EventDelivery
from hub.sources.mqtt import MqttSource
from hub.store.admission import Admission
from hub.store.arrival import Arrival, Receipt
from hub.store.recent import Recent
from hub.store.writer import Writer
from hub.wire.connection import Connection, Received
from hub.wire.protocol import Ack, Position
from plugins.alert_notice import Notice
from plugins.s3_bucket import Bucket

PAUSE_S = 0.05
LATE_S = 1.0  # longer than an event takes to be settled
_arrive = MqttSource._arrive
_commit = Writer._commit
_receive: Callable[[Connection], Awaitable[list[Received]]] = Connection.receive
_acknowledge = Connection.acknowledge
_add = Bucket.add
_WRITING: set[asyncio.Task[None]] = set()


async def _commit_late(writer: Writer, batch: Any) -> Any:
    await asyncio.sleep(PAUSE_S)
    return await _commit(writer, batch)


async def _tell_late(writer: Writer, batch: Any) -> Any:
    acks = await _commit(writer, batch)
    await asyncio.sleep(PAUSE_S)
    return acks


async def _commit_and_tell_late(writer: Writer, batch: Any) -> Any:
    await asyncio.sleep(PAUSE_S)
    return await _tell_late(writer, batch)


def _arrive_and_promise(source: MqttSource, received: Received, *rest: Any) -> Arrival | None:
    """Tell the agent that a record is committed when it has only arrived."""
    arrival = _arrive(source, received, *rest)
    connection = source._connection
    if arrival and connection and (position := arrival.decoded.position):
        ack = Ack(epoch=position.epoch, seq=position.seq)
        source._committed(connection, (), Receipt(((position.device, ack),)))
    return arrival


async def _receive_and_acknowledge(connection: Connection) -> list[Received]:
    burst = await _receive(connection)
    _acknowledge(connection, burst)
    return burst


def _acknowledge_nothing(connection: Connection, messages: Sequence[Received]) -> None:
    """Say nothing after the commit: all was said on arrival."""


def _admit_all(admission: Admission, arrival: Arrival, position: Position) -> Ack:
    """Store every record that comes; a repeated one without its key, which the table would refuse."""
    line = admission.line(position.device, position.epoch)
    if position.seq <= line.committed:
        events = tuple(event.model_copy(update={"key": None}) for event in arrival.decoded.events)
        arrival = Arrival(arrival.message, replace(arrival.decoded, events=events))
    line.committed = max(line.committed, position.seq)
    admission._keep(arrival)
    return Ack(epoch=position.epoch, seq=line.committed)


def _know_nothing(recent: Recent, mid: int, digest: bytes) -> bool:
    """Store every redelivery, as if none were stored."""
    return False


def _know_by_content(recent: Recent, mid: int, digest: bytes) -> bool:
    """Take for a repeat whatever was redelivered and says what was said before."""
    return any(known == digest for _, known in recent.entries.values())


async def _begin_unwritten(delivery: EventDelivery, *_: Any) -> None:
    """Begin an effect without writing it down."""


async def _add_later(bucket: Bucket, *rest: Any) -> None:
    """Say that an object is written before it is."""
    later = asyncio.create_task(_write_late(bucket, *rest))
    _WRITING.add(later)
    later.add_done_callback(_WRITING.discard)


async def _write_late(bucket: Bucket, *rest: Any) -> None:
    await asyncio.sleep(LATE_S)
    await _add(bucket, *rest)


def mutate(name: str) -> None:
    """Put the named mutation in place."""
    changes: dict[str, list[tuple[type, str, Any]]] = {
        "ack-before-commit": [
            (Writer, "_commit", _commit_late),
            (MqttSource, "_arrive", _arrive_and_promise),
        ],
        "puback-on-arrival": [
            (Writer, "_commit", _commit_late),
            (Connection, "receive", _receive_and_acknowledge),
            (Connection, "acknowledge", _acknowledge_nothing),
        ],
        "admission-off": [(Writer, "_commit", _tell_late), (Admission, "_add_record", _admit_all)],
        "repeats-kept": [(Writer, "_commit", _tell_late), (Recent, "has", _know_nothing)],
        "repeats-by-content": [(Writer, "_commit", _commit_late), (Recent, "has", _know_by_content)],
        "ledger-off": [(EventDelivery, "_begin", _begin_unwritten)],
        "keys-anew": [(Notice, "id", property(lambda _: secrets.token_hex(16)))],
        "objects-later": [(Bucket, "add", _add_later)],
        "slow": [(Writer, "_commit", _commit_and_tell_late)],
    }
    for kind, method, replacement in changes[name]:
        setattr(kind, method, replacement)


if __name__ == "__main__":
    mutate(sys.argv.pop(1))
    app()
