"""The ledger of calls about pictures: what was begun, what it cost, and the answer until it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, bindparam, cast, delete, exists, func, insert, select, update

from hub.store.schema import calls, events

_EVENT = select(events.c.id).where(events.c.key == bindparam("of_key"))
_ANSWERS = select(calls.c.operation, calls.c.answer).where(
    calls.c.plugin == bindparam("of_plugin"),
    calls.c.image_key == bindparam("of_key"),
    calls.c.answer.is_not(None),
)
_BEGIN = insert(calls).returning(calls.c.id)
_ANSWER = (
    update(calls).where(calls.c.id == bindparam("number")).values(state="answered", answer=bindparam("said"))
)
_OF_STORED = (
    calls.c.plugin == bindparam("of_plugin"),
    calls.c.image_key == bindparam("of_key"),
    exists().where(events.c.key == bindparam("of_key")),
)
_DROP_FREE = delete(calls).where(*_OF_STORED, calls.c.state == "free")
_DROP_ANSWER = update(calls).where(*_OF_STORED).values(answer=None)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a picture: the event made of it, and answers that came before it was made.

    Attributes:
        answers: The JSON text by operation.
    """

    event_id: int | None
    answers: dict[str, str]


def read_known(connection: Connection, plugin: str, key: str) -> Known:
    """Return what is known of a picture, by its key."""
    event_id = connection.execute(_EVENT, {"of_key": key}).scalar()
    if event_id is not None:
        return Known(event_id, {})
    rows = connection.execute(_ANSWERS, {"of_plugin": plugin, "of_key": key})
    return Known(None, {row.operation: row.answer for row in rows})


def begin_call(
    connection: Connection, plugin: str, key: str, operation: str, price: float, now: datetime
) -> int:
    """Write a call down before it is made, and return its number."""
    row = {
        "plugin": plugin,
        "image_key": key,
        "operation": operation,
        "state": "begun",
        "price": price,
        "began_at": now,
    }
    return int(connection.execute(_BEGIN, row).scalar_one())


def answer_call(connection: Connection, number: int, answer: str) -> None:
    """Keep the answer of a call that was begun."""
    connection.execute(_ANSWER, {"number": number, "said": answer})


def keep_answer(
    connection: Connection, plugin: str, key: str, operation: str, answer: str, now: datetime
) -> None:
    """Keep the answer of a call that is free, until its event is stored."""
    row = {
        "plugin": plugin,
        "image_key": key,
        "operation": operation,
        "state": "free",
        "price": 0.0,
        "began_at": now,
        "answer": answer,
    }
    connection.execute(insert(calls), row)


def give_back_call(connection: Connection, number: int) -> None:
    """Strike out a call that certainly cost nothing."""
    connection.execute(delete(calls).where(calls.c.id == number))


def drop_answers(connection: Connection, plugin: str, key: str) -> None:
    """Forget the answers of a picture if its event is stored; what they cost stays."""
    of = {"of_plugin": plugin, "of_key": key}
    connection.execute(_DROP_FREE, of)
    connection.execute(_DROP_ANSWER, of)


def read_spending(connection: Connection, plugin: str, since: datetime) -> list[tuple[str, float, int]]:
    """Return (minute as 2026-11-21 18:31, sum of prices, calls) of an instance, oldest first."""
    minute = func.substr(cast(calls.c.began_at, String), 1, 16).label("minute")  # on any database
    rows = connection.execute(
        select(minute, func.sum(calls.c.price), func.count())
        .where(calls.c.plugin == plugin, calls.c.began_at >= since, calls.c.state != "free")
        .group_by(minute)
        .order_by(minute)
    )
    return [(str(found), float(amount), int(count)) for found, amount, count in rows]
