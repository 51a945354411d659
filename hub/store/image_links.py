"""Keeps the image links that wait for their records: committed state of a device, one at most."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert_insert

from hub.store import schema
from hub.store.link_join import PendingLink

_links = schema.pending_image_links


def write_links(connection: Connection, links: Mapping[str, PendingLink | None]) -> None:
    """Keep the links of these devices; None: it waits no longer."""
    gone = [device for device, pending in links.items() if pending is None]
    if gone:
        connection.execute(delete(_links).where(_links.c.device.in_(gone)))
    for device, pending in links.items():
        if pending is not None:
            row = {"device": device, **pending._asdict()}
            statement = upsert_insert(_links).values(row)
            connection.execute(statement.on_conflict_do_update(index_elements=["device"], set_=row))


def read_links(connection: Connection) -> dict[str, PendingLink]:
    """Return every link that waits, by device."""
    rows = connection.execute(select(_links))
    return {row.device: PendingLink(row.link, row.received_at, row.session, row.mid) for row in rows}
