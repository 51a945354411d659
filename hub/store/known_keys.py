"""Tells what of a batch was stored before, by the keys that decoders gave to its events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from hub.store.arrival import Arrival
from hub.store.rows import original_bytes
from hub.store.schema import events, messages

KNOWN_AT_ONCE = 500  # parameters of one statement
_FIND = (
    select(events.c.key, messages.c.payload)
    .join_from(events, messages, events.c.message_id == messages.c.id)
    .where(events.c.key.in_(bindparam("wanted", expanding=True)))
)
"""Composed once: each statement with an `in` is a cycle of references, which only the collector frees."""


def digest_of(arrival: Arrival) -> bytes:
    """Return the digest of a message's original bytes as they are stored."""
    return hashlib.sha256(original_bytes(arrival)).digest()


def keys_of(arrival: Arrival) -> set[str]:
    """Return the keys of a plain message; records of agents are told apart by their numbers.

    An amendment comes again under its key with other bytes, so that says nothing.
    """
    decoded = arrival.decoded
    if decoded.position is not None:
        return set()
    return {event.key for event in decoded.events if event.key is not None and event.kind == "event"}


def find_known(connection: Connection, arrivals: Iterable[Arrival]) -> dict[str, bytes]:
    """Return, of the keys in a batch that the store knows, the digest of the bytes that came with each."""
    keys = sorted({key for arrival in arrivals for key in keys_of(arrival)})
    known: dict[str, bytes] = {}
    for start in range(0, len(keys), KNOWN_AT_ONCE):
        wanted = keys[start : start + KNOWN_AT_ONCE]
        for row in connection.execute(_FIND, {"wanted": wanted}):
            known[row.key] = hashlib.sha256(row.payload).digest()
    return known


def list_keys(connection: Connection, prefix: str) -> set[str]:
    """Return the keys of stored events that begin with a prefix."""
    last = f"{prefix}\U0010ffff"
    found = connection.execute(select(events.c.key).where(events.c.key > prefix, events.c.key < last))
    return set(found.scalars())
