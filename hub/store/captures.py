"""The events that instances chose as training data, within limits, and no picture twice."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, select

from hub.event import is_name
from hub.plugin import Captured, CaptureLimit, RejectedSeen
from hub.store.schema import captures, detections, events, reviews

LIKENESS_BYTES = 32
MOST_REASONS, NAME_CHARS = 16, 200
MOST_COMPARED = 1000
MOST_SHARED = 10_000
MOST_REJECTED = 1000
PERIODS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
REJECTED = "rejected"
_AT_ONCE = 500  # parameters of one statement
_COLUMNS = (
    captures.c.event_id,
    captures.c.reasons,
    captures.c.score,
    captures.c.label,
    captures.c.likeness,
    captures.c.chosen_at,
)


@dataclass(frozen=True, slots=True)
class Capture:
    """An event to capture, by the id of its first row, and the terms; see `hub.plugin.Delivery.capture`.

    Raises:
        ValueError: A member is not as said there.
    """

    plugin: str
    event_id: int
    device: str
    reasons: tuple[str, ...]
    score: float = 0.0
    label: str | None = None
    likeness: bytes | None = None
    limits: tuple[CaptureLimit, ...] = ()
    near_bits: int = 12
    near_among: int = 200
    bits: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not 1 <= len(self.reasons) <= MOST_REASONS or not all(map(is_name, self.reasons)):
            raise ValueError(
                f"capture: reasons: 1 to {MOST_REASONS} texts of 1 to {NAME_CHARS} signs without controls"
            )
        if not math.isfinite(self.score):
            raise ValueError("capture: score: must be a finite number")
        if self.label is not None and not is_name(self.label):
            raise ValueError(f"capture: label: must be a text of 1 to {NAME_CHARS} signs without controls")
        if self.likeness is not None:
            if len(self.likeness) != LIKENESS_BYTES:
                raise ValueError(
                    f"capture: likeness: {len(self.likeness)} bytes (a hash has {LIKENESS_BYTES})"
                )
            object.__setattr__(self, "bits", int.from_bytes(self.likeness))
        if not 0 <= self.near_bits <= LIKENESS_BYTES * 8 or not 0 <= self.near_among <= MOST_COMPARED:
            raise ValueError(
                f"capture: near_bits is 0 to {LIKENESS_BYTES * 8}, near_among 0 to {MOST_COMPARED}"
            )

    @property
    def wanting(self) -> str:
        """Who wants it, for people."""
        return f"{' and '.join(self.reasons)} wanted it"


def find_captured(connection: Connection, plugin: str, event_id: int) -> Captured | None:
    """Return how an instance captured an event, or None."""
    own = (captures.c.event_id == event_id, captures.c.plugin == plugin)
    row = connection.execute(select(*_COLUMNS).where(*own)).one_or_none()
    return Captured(row[0], tuple(row[1]), *row[2:]) if row else None


def add_capture(connection: Connection, wanted: Capture, now: datetime) -> Captured | str:
    """Capture an event, unless it is captured; return its row, or why it must not be."""
    found = judge_capture(connection, wanted, now)
    if found is not None:
        return found
    row = {name: getattr(wanted, name) for name in ("plugin", "event_id", "device", "label", "score")}
    row |= {"reasons": list(wanted.reasons), "likeness": wanted.likeness, "chosen_at": now}
    connection.execute(insert(captures), row)
    return Captured(
        wanted.event_id, wanted.reasons, wanted.score, wanted.label, wanted.likeness, chosen_at=now
    )


def judge_capture(connection: Connection, wanted: Capture, now: datetime) -> Captured | str | None:
    """Return the row that an event has, why it must not be captured, or None where it may."""
    return (
        find_captured(connection, wanted.plugin, wanted.event_id)
        or _exceed(connection, wanted, now)
        or _repeat(connection, wanted)
    )


def _exceed(connection: Connection, wanted: Capture, now: datetime) -> str | None:
    for limit in wanted.limits:
        count = int(connection.execute(_count(wanted, limit, now)).scalar_one())
        if count >= limit.count:
            of = {"all": "", "label": f" of {wanted.label or 'no label'}", "device": f" of {wanted.device}"}
            used = f"{limit.name}{of[limit.per]} is used up"
            return f"{wanted.wanting}; {used}: {count} of {limit.count} within the {limit.period}"
    return None


def _count(wanted: Capture, limit: CaptureLimit, now: datetime) -> Select[Any]:
    """Return the statement that counts up to the limit; it reads no more of an index than that."""
    own = [captures.c.plugin == wanted.plugin, captures.c.chosen_at > now - PERIODS[limit.period]]
    if limit.per == "device":
        own.append(captures.c.device == wanted.device)
    elif limit.per == "label":
        own.append(captures.c.label == wanted.label if wanted.label else captures.c.label.is_(None))
    rows = select(literal(1)).where(*own).limit(max(limit.count, 0)).subquery()
    return select(func.count()).select_from(rows)


def _repeat(connection: Connection, wanted: Capture) -> str | None:
    if wanted.likeness is None or wanted.near_among == 0:
        return None
    last = (
        select(captures.c.event_id, captures.c.likeness)
        .where(captures.c.plugin == wanted.plugin, captures.c.device == wanted.device)
        .order_by(captures.c.chosen_at.desc())
        .limit(wanted.near_among)
    )
    for event_id, likeness in connection.execute(last):
        if likeness is None:
            continue
        differing = (wanted.bits ^ int.from_bytes(likeness)).bit_count()
        if differing <= wanted.near_bits:
            differ = f"{differing} of {LIKENESS_BYTES * 8} bits differ"
            return f"{wanted.wanting}; its picture is nearly that of event {event_id} ({differ})"
    return None


def count_label_shares(
    connection: Connection, up_to: int, labels: Iterable[str], among: int
) -> dict[str, float]:
    """Return in which share of the log's last `among` rows up to an id each label is.

    Raises:
        ValueError: `among` is out of its range.
    """
    if not 1 <= among <= MOST_SHARED:
        raise ValueError(f"label_shares: among is 1 to {MOST_SHARED}")
    wanted = sorted(set(labels))
    recent = (events.c.id > up_to - among, events.c.id <= up_to, events.c.kind == "event")
    total = connection.execute(select(func.count()).select_from(events).where(*recent)).scalar_one()
    # By their ids, so that SQLite walks through the two tables side by side and looks at nothing else.
    rows = connection.execute(
        select(detections.c.label, func.count(detections.c.event_id.distinct()))
        .join(events, events.c.id == detections.c.event_id)
        .where(
            *recent,
            detections.c.event_id > up_to - among,
            detections.c.event_id <= up_to,
            detections.c.label.in_(wanted),
        )
        .group_by(detections.c.label)
    )
    found = {label: count / max(total, 1) for label, count in rows}
    return {label: found.get(label, 0.0) for label in wanted}


def list_rejected(connection: Connection, since: datetime, limit: int) -> list[RejectedSeen]:
    """Return events that reviewers rejected since then, newest first; those taken back are left out.

    Raises:
        ValueError: `limit` is out of its range.
    """
    if not 1 <= limit <= MOST_REJECTED:
        raise ValueError(f"rejected: limit is 1 to {MOST_REJECTED}")
    last = (
        select(reviews.c.id, reviews.c.event_id, reviews.c.made_at)
        .where(reviews.c.verdict == REJECTED, reviews.c.made_at >= since, reviews.c.undone_at.is_(None))
        .order_by(reviews.c.made_at.desc())
        .limit(limit)
        .subquery()
    )
    later = reviews.alias("later")
    changed = select(later.c.id).where(
        later.c.event_id == last.c.event_id,
        later.c.id > last.c.id,
        later.c.undone_at.is_(None),
        later.c.verdict != "skipped",
    )
    rows = connection.execute(
        select(last.c.event_id, last.c.made_at, events.c.device)
        .join(events, events.c.id == last.c.event_id)
        .where(~changed.exists())
        .order_by(last.c.made_at.desc(), last.c.id.desc())
    ).all()
    ids = [row.event_id for row in rows]
    labels, hashes = _labels_of(connection, ids), _hashes_of(connection, ids)
    return [
        RejectedSeen(row.event_id, row.device, labels[row.event_id], hashes.get(row.event_id), row.made_at)
        for row in rows
    ]


def _labels_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for part in _parts(ids):
        seen = select(detections.c.event_id, detections.c.label).where(detections.c.event_id.in_(part))
        for event_id, label in connection.execute(seen):
            found[event_id].add(label)
    return {event_id: tuple(sorted(found[event_id])) for event_id in ids}


def _hashes_of(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for part in _parts(ids):
        own = (captures.c.event_id.in_(part), captures.c.likeness.is_not(None))
        rows = connection.execute(select(captures.c.event_id, captures.c.likeness).where(*own))
        found |= {row.event_id: row.likeness for row in rows}
    return found


def list_reasons(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return why events (by the id of their first row) were captured, in words; of several, each once."""
    found: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for part in _parts(ids):
        chosen = select(captures.c.event_id, captures.c.reasons).where(captures.c.event_id.in_(part))
        for event_id, reasons in connection.execute(chosen.order_by(captures.c.id)):
            found[event_id] |= dict.fromkeys(reasons)
    return {event_id: ", ".join(reasons) for event_id, reasons in found.items()}


def _parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
