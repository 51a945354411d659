"""Groups moments in the database by the hours of a clock on the wall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, case, cast, func, literal_column

Marks = Callable[[datetime, datetime], Sequence[timedelta]]
"""Returns how far into hours of UTC, between two moments, a zone's own hours begin or its offset changes:
ascending, the first 0."""

_HOUR = len("2026-11-21 09")


def hour_of(moment: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the text of a moment's hour of UTC."""
    return func.substr(cast(moment, Text), 1, _HOUR)


def part_of(moment: ColumnElement[Any], marks: Sequence[timedelta]) -> ColumnElement[int]:
    """Return which part of its hour a moment is in; part n begins at the mark n."""
    within = func.substr(cast(moment, Text), _HOUR + 2)  # minutes and seconds
    later = [(within >= str(mark)[len("0:") :], at) for at, mark in enumerate(marks) if at]
    return case(*reversed(later), else_=0) if later else literal_column("0", Integer)


def begin_of(hour: str, part: int, marks: Sequence[timedelta]) -> datetime:
    """Return when a part of an hour begins."""
    return datetime.fromisoformat(hour).replace(tzinfo=UTC) + marks[part]
