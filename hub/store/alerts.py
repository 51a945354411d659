"""The alerts of all plugin instances, read from the effects ledger, and their acknowledgement."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from hub.errors import StoreError
from hub.store.database import database_path, open_write_engine
from hub.store.recall import list_effects, list_plugins_with_effects, write_done_effect

BEGAN, ENDED, ACKNOWLEDGED, SENT = "alert/", "end/", "ack/", "to/"
"""How the keys of an alert's effects begin. Then comes its name; `to/` goes on with notice and target."""


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One alert. `sent` and `unknown` count notices to targets: arrived, or with an open end."""

    plugin: str
    alert: str
    place: str
    event_id: int
    began_at: datetime
    ended_at: datetime | None
    acknowledged_at: datetime | None
    sent: int
    unknown: int


def list_alerts(
    connection: Connection, *, plugin: str | None = None, alert: str | None = None, limit: int = 50
) -> list[AlertSeen]:
    """Return the newest alerts, newest first."""
    plugins = [plugin] if plugin else list_plugins_with_effects(connection, BEGAN)
    key = f"{BEGAN}{alert}" if alert else None
    found = [
        _read(
            connection, name, effect.key.removeprefix(BEGAN), effect.group, effect.event_id, effect.began_at
        )
        for name in plugins
        for effect in list_effects(connection, name, key=key, prefix=BEGAN, limit=limit)
    ]
    return sorted(found, key=lambda one: one.began_at, reverse=True)[:limit]


def _read(
    connection: Connection, plugin: str, alert: str, place: str, event_id: int, began_at: datetime
) -> AlertSeen:
    def moment(prefix: str) -> datetime | None:
        return next((e.began_at for e in list_effects(connection, plugin, key=f"{prefix}{alert}")), None)

    sent = Counter(effect.done for effect in list_effects(connection, plugin, prefix=f"{SENT}{alert}/"))
    return AlertSeen(
        plugin, alert, place, event_id, began_at, moment(ENDED), moment(ACKNOWLEDGED), sent[True], sent[False]
    )


def acknowledge(data_dir: Path, alert: str, plugin: str | None) -> AlertSeen:
    """Write down that somebody has seen an alert; a running hub finds it there.

    Raises:
        StoreError: There is no such alert, or several plugins have one of this name.
    """
    engine = open_write_engine(data_dir)
    try:
        with engine.begin() as connection:
            found = list_alerts(connection, plugin=plugin, alert=alert)
            known = list_plugins_with_effects(connection, BEGAN)
            if plugin is not None and plugin not in known:
                raise StoreError(f"no alert is of a plugin {plugin!r} (known: {', '.join(known) or 'none'})")
            if not found:
                raise StoreError(f"there is no alert {alert}; `lenshub alerts list` shows the newest ones")
            if len(found) > 1:
                names = ", ".join(sorted(one.plugin for one in found))
                raise StoreError(f"alert {alert} is one of several plugins: say --plugin, one of {names}")
            one = found[0]
            write_done_effect(
                connection, one.plugin, f"{ACKNOWLEDGED}{alert}", one.event_id, datetime.now(UTC)
            )
            return _read(connection, one.plugin, alert, one.place, one.event_id, one.began_at)
    except OperationalError as error:
        raise StoreError(f"{database_path(data_dir)}: cannot be written: {error.orig}") from error
    finally:
        engine.dispose()
