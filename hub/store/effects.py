"""The effects ledger: what cannot be repeated is written down before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.store.schema import effects

Standing = Literal["begun", "done", "unknown", "cooling"]


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


async def begin_effect(
    connection: AsyncConnection, effect: Effect, now: datetime
) -> tuple[Standing, datetime | None]:
    """Write an effect down, unless it was begun before or its group is cooling down.

    Returns:
        ("begun", None) when this call wrote it; ("done" or "unknown", when it began) when an earlier attempt
        did; ("cooling", when the cooldown ends) when it must not begin.
    """
    own = (effects.c.plugin == effect.plugin, effects.c.key == effect.key)
    earlier = (
        await connection.execute(select(effects.c.state, effects.c.began_at).where(*own))
    ).one_or_none()
    if earlier is not None:
        return ("done" if earlier.state == "done" else "unknown"), earlier.began_at
    if (until := await _cooling_until(connection, effect)) and until > now:
        return "cooling", until
    await connection.execute(
        insert(effects).values(
            plugin=effect.plugin,
            key=effect.key,
            run_id=effect.run_id,
            event_id=effect.event_id,
            group=effect.group,
            amount=effect.amount,
            state="begun",
            began_at=now,
        )
    )
    return "begun", None


async def _read_earlier(connection: AsyncConnection, effect: Effect) -> Row[str, datetime] | None:
    own = (effects.c.plugin == effect.plugin, effects.c.key == effect.key)
    return (await connection.execute(select(effects.c.state, effects.c.began_at).where(*own))).one_or_none()


async def foresee_cooldown(connection: AsyncConnection, effect: Effect) -> datetime | None:
    """Return when the cooldown ends that `begin_effect` would meet; None where it would not come to that."""
    if await _read_earlier(connection, effect) is not None:
        return None
    return await _cooling_until(connection, effect)


async def _cooling_until(connection: AsyncConnection, effect: Effect) -> datetime | None:
    if effect.cooldown_s <= 0:
        return None
    last = await connection.execute(
        select(func.max(effects.c.began_at)).where(
            effects.c.plugin == effect.plugin, effects.c.group == effect.group
        )
    )
    began_at: datetime | None = last.scalar()
    return began_at + timedelta(seconds=effect.cooldown_s) if began_at else None


async def complete_effect(connection: AsyncConnection, effect: Effect, now: datetime) -> None:
    """Write down that an effect took place."""
    await connection.execute(
        update(effects)
        .where(effects.c.plugin == effect.plugin, effects.c.key == effect.key)
        .values(state="done", ended_at=now)
    )


async def take_back_effect(connection: AsyncConnection, effect: Effect, began_at: datetime) -> None:
    """Strike out an effect that one asker wrote down at `began_at` and then did not begin."""
    await connection.execute(
        delete(effects).where(
            effects.c.plugin == effect.plugin,
            effects.c.key == effect.key,
            effects.c.state == "begun",
            effects.c.began_at == began_at,
        )
    )


async def give_back_effect(connection: AsyncConnection, effect: Effect) -> None:
    """Strike out an effect that certainly did not take place."""
    await connection.execute(
        delete(effects).where(effects.c.plugin == effect.plugin, effects.c.key == effect.key)
    )
