"""Amendments: what is said later of an event that is stored, folded into what was said of it before.

A row of kind "amendment" holds its event as it stands from then on, so that the newest row is the view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Connection, func, select

from hub.decode.frigate import SOURCE as FRIGATE
from hub.decode.frigate_order import hold
from hub.decode.message import Newest, Reviewed
from hub.decode.printing import show
from hub.decode.refusal import refuse
from hub.errors import PayloadError
from hub.event import BOX_PIXELS, Attributes, Detection, Event, NewEvent
from hub.store.arrival import Arrival
from hub.store.rows import read_events
from hub.store.schema import detections, events
from hub.verdicts import JUDGED, OPEN, REVIEW, drop_words, is_judged, pick_words

KNOWN_AT_ONCE = 500  # parameters of one statement
NEWEST_ROWS = 2000
NEWEST_AGE = timedelta(minutes=10)
"""How long ago an event may last have been heard of that is meant by "the newest"."""

_ATTRIBUTES: TypeAdapter[dict[str, Any]] = TypeAdapter(Attributes)
_SAID = ("detections", "frame", "model", "attributes")
Folded = TypeVar("Folded", bound=NewEvent)


class Row(Protocol):
    """What a batch stores, in order of id."""

    @property
    def event(self) -> NewEvent:
        """What it says."""
        ...

    @property
    def amends(self) -> int | None:
        """The id of the event that it amends."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A row to store: the event as it stands from now on."""

    event: NewEvent
    amends: int | None = None


@dataclass(slots=True)
class Amended:
    """An event as it stands, by the id of its first row; `before` is how it stood without a person's word."""

    first: int
    event: NewEvent
    before: NewEvent

    def stand(self, after: NewEvent) -> None:
        """Take how the event stands from now on."""
        self.event = after
        if not is_judged(after.attributes):
            self.before = after


def fold(before: Folded, said: NewEvent) -> Folded:
    """Return an event as it stands once something was said of it.

    Detections, frame and model are those of the latest that has them; attributes are merged. What tells the
    event from others, and when it was captured, stays; so do the detections that a person has judged, and
    what that person said.

    Raises:
        PayloadError: The attributes become too many.
    """
    judged = is_judged(before.attributes)
    words = pick_words(before.attributes) if judged else {}
    kept = ("detections",) if judged else ()
    changed = {
        name: getattr(said, name) or getattr(before, name)
        for name in ("detections", "frame", "model")
        if name not in kept
    }
    attributes = _check({**before.attributes, **said.attributes, **words})
    return before.model_copy(update={**changed, "attributes": attributes})


def judge(amended: Amended, said: Reviewed) -> NewEvent:
    """Return an event as it stands once reviewers' words do, or, without any, once they are gone.

    Raises:
        PayloadError: The attributes become too many.
    """
    event, before = amended.event, amended.before
    words: dict[str, Any] = {REVIEW: OPEN} | pick_words(before.attributes)
    attributes = drop_words(event.attributes) | (words if said.words is None else said.words)
    found = before.detections if said.detections is None else said.detections
    return event.model_copy(update={"detections": found, "attributes": _check(attributes)})


def _check(attributes: dict[str, Any]) -> dict[str, Any]:
    try:
        return _ATTRIBUTES.validate_python(attributes)
    except ValidationError as error:
        raise refuse(error) from error


def is_news(before: NewEvent, after: NewEvent) -> bool:
    """Whether an event changed; that the box of a tracked object moved is nothing new by itself."""
    return any(getattr(before, name) != getattr(after, name) for name in _SAID[1:]) or (
        [_without_place(found) for found in before.detections]
        != [_without_place(found) for found in after.detections]
    )


def _without_place(found: Detection) -> Detection:
    if found.track is None:
        return found
    attributes = {name: value for name, value in found.attributes.items() if name != BOX_PIXELS}
    return found.model_copy(update={"box": None, "attributes": attributes})


def as_view(first: Event, row: Event) -> Event:
    """Return an event as one of its rows has it, under the id, the key and the time of its first row."""
    return first.model_copy(update={name: getattr(row, name) for name in _SAID})


@dataclass(slots=True)
class Amendments:
    """The events that a batch may amend: those of the store, and those that the batch itself brings.

    Args:
        next_id: The id of the batch's first row.
    """

    next_id: int = 1
    by_key: dict[str, Amended] = field(default_factory=dict)
    newest: dict[Newest, Amended] = field(default_factory=dict)
    by_id: dict[int, Amended] = field(default_factory=dict)
    _learnt: int = 0

    def take(self, said: NewEvent, about: Newest | Reviewed | None, batch: Sequence[Row]) -> Taken | None:
        """Return the row to store after those of the batch, or None where nothing new is said.

        Raises:
            PayloadError: `nothing_to_amend`, `key_conflict`, or one for attributes that become too many.
        """
        self._learn(batch)
        if isinstance(about, Reviewed):
            return self._judge(about)
        found = self.newest.get(about) if about else self.by_key.get(said.key or "")
        if found is None:
            return Taken(_begin(said, about))
        if found.event.device != said.device:
            reason = f"{said.device} says something of event {found.first}, which is of {found.event.device}"
            raise PayloadError("key_conflict", reason)
        after = fold(found.event, hold(found.event, said) if said.source == FRIGATE else said)
        if not is_news(found.event, after):
            return None
        return self._stand(found, after)

    def _judge(self, said: Reviewed) -> Taken | None:
        found = self.by_id.get(said.event_id)
        if found is None:
            raise PayloadError("nothing_to_amend", f"no event {said.event_id} is stored")
        if said.words is None and not is_judged(found.event.attributes):
            return None  # it was taken back before it was ever applied
        after = judge(found, said)
        return None if after == found.event else self._stand(found, after)

    def _stand(self, found: Amended, after: NewEvent) -> Taken:
        found.stand(after)
        self._note(found)
        return Taken(after.model_copy(update={"kind": "amendment", "key": None}), found.first)

    def _learn(self, batch: Sequence[Row]) -> None:
        for number in range(self._learnt, len(batch)):
            row = batch[number]
            if row.amends is None and row.event.key is not None:
                amended = Amended(self.next_id + number, row.event, row.event)
                self.by_key[row.event.key] = amended
                self._note(amended)
        self._learnt = len(batch)

    def _note(self, amended: Amended) -> None:
        event = amended.event
        if event.camera is not None:
            for label in event.labels:
                known = self.newest.setdefault(Newest(event.device, event.camera, label), amended)
                if known.first < amended.first:
                    self.newest[Newest(event.device, event.camera, label)] = amended


def _begin(said: NewEvent, about: Newest | None) -> NewEvent:
    """Return the first row of an event: what was seen can begin one, and a later fact cannot."""
    if said.key is None or not said.detections:
        what = f"{about.label} on {about.camera}" if about else said.key or "no key"
        raise PayloadError("nothing_to_amend", show(f"no event that this is about is stored: {what}"))
    return said.model_copy(update={"kind": "event"})


def find_amended(connection: Connection, arrivals: Iterable[Arrival], next_id: int) -> Amendments:
    """Return what the store knows of the events that a batch is to amend.

    Args:
        next_id: The id that the batch's first row gets.
    """
    found = Amendments(next_id)
    keys: set[str] = set()
    judged: set[int] = set()
    for arrival in arrivals:
        decoded = arrival.decoded
        if decoded.position is not None or not decoded.events or decoded.events[0].kind != "amendment":
            continue
        keys |= {event.key for event in decoded.events if event.key is not None}
        if isinstance(decoded.about, Reviewed):
            judged.add(decoded.about.event_id)
        elif decoded.about is not None and decoded.about not in found.newest:
            since = arrival.message.received_at - NEWEST_AGE
            for amended in _find_newest(connection, decoded.about, next_id - NEWEST_ROWS, since):
                found.newest[decoded.about] = amended
    for amended in _find_by_key(connection, sorted(keys)):
        if amended.event.key is not None:
            found.by_key[amended.event.key] = amended
    found.by_id = {amended.first: amended for amended in _read_standing(connection, sorted(judged))}
    _share(found)
    return found


def _share(found: Amendments) -> None:
    """Let an event that is known by its key, by its id and as the newest be one."""
    by_first = found.by_id | {amended.first: amended for amended in found.by_key.values()}
    found.by_id = {first: by_first[first] for first in found.by_id}
    found.newest = {about: by_first.get(one.first, one) for about, one in found.newest.items()}


def _find_by_key(connection: Connection, keys: Sequence[str]) -> Iterator[Amended]:
    for start in range(0, len(keys), KNOWN_AT_ONCE):
        known = events.c.key.in_(keys[start : start + KNOWN_AT_ONCE])
        firsts = list(connection.execute(select(events.c.id).where(known)).scalars())
        yield from _read_standing(connection, firsts)


def _find_newest(connection: Connection, about: Newest, after: int, since: Any) -> Iterator[Amended]:
    has_label = select(detections.c.event_id).where(
        detections.c.event_id == events.c.id, detections.c.label == about.label
    )
    newest = (
        select(func.coalesce(events.c.amends, events.c.id))
        .where(
            events.c.id > after,
            events.c.device == about.device,
            events.c.received_at >= since,
            events.c.attributes["camera"].as_string() == about.camera,
            has_label.exists(),
        )
        .order_by(func.coalesce(events.c.amends, events.c.id).desc())
        .limit(1)
    )
    yield from _read_standing(connection, list(connection.execute(newest).scalars()))


def _read_standing(connection: Connection, firsts: Sequence[int]) -> Iterator[Amended]:
    if not firsts:
        return
    last = _find_last(connection, firsts)
    rows = {event.id: event for event in read_rows(connection, [*firsts, *last])}
    standing = {event.amends: event for event in rows.values() if event.amends is not None}
    judged = [first for first, row in standing.items() if is_judged(row.attributes)]
    before = {first: read_before(connection, first) for first in judged if first is not None}
    for first in firsts:
        if first in rows:
            event = as_new(as_view(rows[first], standing.get(first, rows[first])))
            yield Amended(first, event, before.get(first, event))


def _find_last(connection: Connection, firsts: Sequence[int], *only: ColumnElement[bool]) -> list[int]:
    """Return the ids of the newest amendments of events (that a condition holds for)."""
    last = select(func.max(events.c.id)).where(events.c.amends.in_(firsts), *only).group_by(events.c.amends)
    return list(connection.execute(last).scalars())


def read_before(connection: Connection, first: int) -> NewEvent:
    """Return an event as it stood when no person's word stood on it; one that came with one, as it came."""
    word = events.c.attributes[REVIEW].as_string()
    unjudged = _find_last(connection, [first], word.is_(None) | word.not_in(JUDGED))
    rows = {event.id: event for event in read_rows(connection, [first, *unjudged])}
    return as_new(as_view(rows[first], rows[unjudged[0] if unjudged else first]))


def as_new(event: Event) -> NewEvent:
    """Return what an event says, without what the store knows of it."""
    return NewEvent.model_construct(**{name: getattr(event, name) for name in NewEvent.model_fields})


def read_rows(connection: Connection, ids: Sequence[int]) -> list[Event]:
    """Return the rows of these ids, each as it stands in the log, oldest first."""
    found = select(events).where(events.c.id.in_(ids)).order_by(events.c.id)
    seen = select(detections).where(detections.c.event_id.in_(ids))
    order = (detections.c.event_id, detections.c.position)
    rows = [dict(row) for row in connection.execute(found).mappings()]
    return read_events(rows, [dict(row) for row in connection.execute(seen.order_by(*order)).mappings()])
