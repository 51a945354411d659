"""Writes many rows at once, for the statements that come with every event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert

Encoder = Callable[[Any], Any] | None
_NEVER = object()


def insert_rows(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert, or bring up to date, rows that have the same columns.

    Values are converted by the columns' types as `connection.execute` does it, but a column at a time and
    with nothing looked up twice. A statement has two columns at least.

    Args:
        statement: Kept by who calls, since what it compiles to is remembered for it.

    Raises:
        DBAPIError, TypeError, ValueError, OverflowError: The database or a column's type refuses a value.
    """
    if rows:
        sql, encoders = _compile(statement, tuple(rows[0]), connection.dialect)
        columns = zip(*map(itemgetter(*encoders), rows), strict=True)
        encoded = [
            _encode(values, encoder) for values, encoder in zip(columns, encoders.values(), strict=True)
        ]
        connection.exec_driver_sql(sql, list(zip(*encoded, strict=True)))


def _encode(values: Sequence[Any], encoder: Encoder) -> Sequence[Any]:
    """Convert a column; a burst was received at one time, which is converted once."""
    if encoder is None:
        return values
    encoded, last, made = [], _NEVER, None
    for value in values:
        if value is not last:
            last, made = value, encoder(value)
        encoded.append(made)
    return encoded


@lru_cache(maxsize=64)
def _compile(statement: Insert, names: tuple[str, ...], dialect: Dialect) -> tuple[str, dict[str, Encoder]]:
    """Return the statement, and by column, in its order, how values are made what the driver takes."""
    compiled = statement.inline().compile(dialect=dialect, column_keys=list(names))
    columns = statement.table.c
    encoders: dict[str, Encoder] = {
        name: columns[name].type.dialect_impl(dialect).bind_processor(dialect)
        for name in compiled.positiontup or names
    }
    return str(compiled), encoders
