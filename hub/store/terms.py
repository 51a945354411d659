"""The terms on which a new effect may begin: not too late, and within limits summed over the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from hub.plugin import Limit
from hub.store.effects import Effect, Standing, begin_effect, read_earlier
from hub.store.schema import effects

SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
ROUNDING = 1e-9  # ten times 0.1 may be 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plugin sets for one effect; see `hub.plugin.Delivery.once`."""

    limits: Sequence[Limit] = ()
    not_after: datetime | None = None


def begin_on_terms(
    connection: Connection, effect: Effect, terms: Terms, now: datetime
) -> str | tuple[Standing, datetime | None]:
    """Begin an effect as `begin_effect` does, or return why it must not be begun anew."""
    if terms != Terms() and read_earlier(connection, effect) is None:
        return _refuse(connection, effect, terms, now) or begin_effect(connection, effect, now)
    return begin_effect(connection, effect, now)


def _refuse(connection: Connection, effect: Effect, terms: Terms, now: datetime) -> str | None:
    if terms.not_after is not None and now > terms.not_after:
        return f"too late: it could not be done by {terms.not_after:%Y-%m-%d %H:%M:%S} UTC"
    return next(filter(None, (_exceed(connection, effect, limit, now) for limit in terms.limits)), None)


def _exceed(connection: Connection, effect: Effect, limit: Limit, now: datetime) -> str | None:
    query = select(func.count(), func.coalesce(func.sum(effects.c.amount), 0.0)).where(
        effects.c.plugin == effect.plugin,
        effects.c.group == effect.group,
        effects.c.began_at > _begin_period(limit, now),
    )
    count, amount = connection.execute(query).one()
    if limit.count is not None and count >= limit.count:
        return f"{limit.name} is used up: {count} of {limit.count} within the {limit.period}"
    if limit.amount is not None and amount + effect.amount > limit.amount + ROUNDING:
        spent = f"{amount:.6g} of {limit.amount:.6g} spent within the {limit.period}"
        return f"{limit.name} is used up: {spent}, and this costs {effect.amount:.6g}"
    return None


def _begin_period(limit: Limit, now: datetime) -> datetime:
    if limit.period == "month":
        return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(microseconds=1)
    return now - SPANS[limit.period]
