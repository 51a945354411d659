"""What a plugin instance may look up: its own rows of the effects ledger, and how devices are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert_insert

from hub.plugin import DeviceSeen, EffectSeen
from hub.store.schema import devices, effects

_AFTER_ANY = "\U0010ffff"


def list_effects(
    connection: Connection,
    plugin: str,
    *,
    key: str | None = None,
    prefix: str = "",
    group: str | None = None,
    since: datetime | None = None,
    limit: int = 1000,
) -> list[EffectSeen]:
    """Return an instance's effects, newest first: of a key, its beginning, a group, since then."""
    wanted = [effects.c.plugin == plugin]
    if key is not None:
        wanted.append(effects.c.key == key)
    if prefix:
        wanted += [effects.c.key >= prefix, effects.c.key < prefix + _AFTER_ANY]
    if group is not None:
        wanted.append(effects.c.group == group)
    if since is not None:
        wanted.append(effects.c.began_at >= since)
    found = connection.execute(
        select(effects).where(*wanted).order_by(effects.c.began_at.desc(), effects.c.key).limit(limit)
    )
    return [EffectSeen(r.key, r.group, r.event_id, r.state == "done", r.began_at) for r in found]


def list_device_states(connection: Connection) -> list[DeviceSeen]:
    """Return every device the store knows."""
    columns = devices.c.name, devices.c.state, devices.c.state_at, devices.c.last_seen_at
    return [DeviceSeen(*row) for row in connection.execute(select(*columns).order_by(devices.c.name))]


def list_plugins_with_effects(connection: Connection, prefix: str) -> list[str]:
    """Return the instances that have effects whose key begins so."""
    like = effects.c.key >= prefix, effects.c.key < prefix + _AFTER_ANY
    found = connection.execute(select(effects.c.plugin).where(*like).distinct().order_by(effects.c.plugin))
    return list(found.scalars())


def write_done_effect(connection: Connection, plugin: str, key: str, event_id: int, now: datetime) -> bool:
    """Write down something that is done; return whether it was not written before."""
    row = {"plugin": plugin, "key": key, "run_id": "", "event_id": event_id, "group": "", "amount": 0.0}
    statement = upsert_insert(effects).values(**row, state="done", began_at=now, ended_at=now)
    return connection.execute(statement.on_conflict_do_nothing()).rowcount == 1
