"""The effects ledger: what cannot be repeated is written down before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, or_, select, update

from hub.store.schema import effects

Standing = Literal["begun", "done", "unknown", "cooling"]

# Made once: every effect needs them, and making one takes longer than running it.
_OWN = (effects.c.plugin == bindparam("of_plugin"), effects.c.key == bindparam("of_key"))
_EARLIER = select(effects.c.state, effects.c.began_at).where(*_OWN)
_BEGIN = insert(effects)
_COMPLETE = update(effects).where(*_OWN).values(state="done", ended_at=bindparam("ended"))


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect as a plugin asks for it; `amount` is what it costs."""

    plugin: str
    key: str
    event_id: int
    group: str = ""
    amount: float = 0.0
    cooldown_s: float = 0.0
    run_id: str = ""
    repeatable: bool = False


def begin_effect(connection: Connection, effect: Effect, now: datetime) -> tuple[Standing, datetime | None]:
    """Write an effect down, unless it was begun before or its group is cooling down.

    Returns:
        ("begun", None) when this call wrote it; ("done" or "unknown", when it began) when an earlier attempt
        did; ("cooling", when the cooldown ends) when it must not begin. A repeatable one begins again.
    """
    earlier = read_earlier(connection, effect)
    if earlier is not None and earlier.state == "begun" and effect.repeatable:
        return "begun", None
    if earlier is not None:
        return ("done" if earlier.state == "done" else "unknown"), earlier.began_at
    if (until := _cooling_until(connection, effect)) and until > now:
        return "cooling", until
    row = {
        "plugin": effect.plugin,
        "key": effect.key,
        "run_id": effect.run_id,
        "event_id": effect.event_id,
        "group": effect.group,
        "amount": effect.amount,
        "state": "begun",
        "began_at": now,
    }
    connection.execute(_BEGIN, row)
    return "begun", None


def read_earlier(connection: Connection, effect: Effect) -> Row[str, datetime] | None:
    """Return (state, began_at) of an effect that was begun before, or None."""
    return connection.execute(_EARLIER, _own(effect)).one_or_none()


def _own(effect: Effect) -> dict[str, str]:
    return {"of_plugin": effect.plugin, "of_key": effect.key}


def foresee_cooldown(connection: Connection, effect: Effect) -> datetime | None:
    """Return when the cooldown ends that `begin_effect` would meet; None where it would not come to that."""
    if read_earlier(connection, effect) is not None:
        return None
    return _cooling_until(connection, effect)


def _cooling_until(connection: Connection, effect: Effect) -> datetime | None:
    if effect.cooldown_s <= 0:
        return None
    last = connection.execute(
        select(func.max(effects.c.began_at)).where(
            effects.c.plugin == effect.plugin, effects.c.group == effect.group
        )
    )
    began_at: datetime | None = last.scalar()
    return began_at + timedelta(seconds=effect.cooldown_s) if began_at else None


def count_effects(connection: Connection, plugin: str, group: str, event_id: int) -> int:
    """Count the effects of a group that began before an event's first one, or all if it has none."""
    of_group = (effects.c.plugin == plugin, effects.c.group == group)
    first = select(func.min(effects.c.began_at)).where(*of_group, effects.c.event_id == event_id)
    began_at = connection.execute(first).scalar()
    at_once = and_(effects.c.began_at == began_at, effects.c.event_id < event_id)
    earlier = () if began_at is None else (or_(effects.c.began_at < began_at, at_once),)
    query = select(func.count()).select_from(effects).where(*of_group, *earlier)
    return int(connection.execute(query).scalar_one())


def complete_effect(connection: Connection, effect: Effect, now: datetime) -> None:
    """Write down that an effect took place."""
    connection.execute(_COMPLETE, _own(effect) | {"ended": now})


def take_back_effect(connection: Connection, effect: Effect, began_at: datetime) -> None:
    """Strike out an effect that one asker wrote down at `began_at` and then did not begin."""
    connection.execute(
        delete(effects).where(
            effects.c.plugin == effect.plugin,
            effects.c.key == effect.key,
            effects.c.state == "begun",
            effects.c.began_at == began_at,
        )
    )


def give_back_effect(connection: Connection, effect: Effect) -> None:
    """Strike out an effect that certainly did not take place."""
    connection.execute(delete(effects).where(effects.c.plugin == effect.plugin, effects.c.key == effect.key))
