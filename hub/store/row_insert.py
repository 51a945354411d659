"""Inserts many rows at once, for the tables that grow with every event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

Encoder = Callable[[Any], Any] | None


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have a value for every column.

    Values are converted by the columns' types as `connection.execute` does it, but a column at a time and
    with nothing looked up twice: 8 us an event with two detections instead of 20.

    Raises:
        DBAPIError, TypeError, ValueError, OverflowError: The database or a column's type refuses a value.
    """
    if rows:
        sql, encoders = _compile(table, connection.dialect)
        columns = [_encode([row[name] for row in rows], encoder) for name, encoder in encoders.items()]
        await connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))


def _encode(values: list[Any], encoder: Encoder) -> list[Any]:
    return values if encoder is None else [encoder(value) for value in values]


@lru_cache(maxsize=16)
def _compile(table: Table, dialect: Dialect) -> tuple[str, dict[str, Encoder]]:
    """Return the statement, and by column, in its order, how values are made what the driver takes."""
    encoders: dict[str, Encoder] = {
        column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns
    }
    compiled = insert(table).inline().compile(dialect=dialect, column_keys=list(encoders))
    return str(compiled), encoders
