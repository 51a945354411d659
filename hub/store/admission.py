"""Decides what of a batch enters the store: exactly the next record of each edge agent's line. Pure.

The hub admits `committed + 1` of each (device, epoch) and nothing else, so a record is stored once and in
order whatever is lost, repeated or reordered on the way. Plain messages have no numbers: of them
everything is admitted but what the broker certainly sent before (see `recent`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.decode.message import Message, Status
from hub.decode.printing import show
from hub.errors import PayloadError
from hub.event import NewEvent
from hub.store.amendments import Amendments
from hub.store.arrival import Arrival
from hub.store.known_keys import digest_of, keys_of
from hub.store.link_join import LinkJoin, PendingLink
from hub.store.recent import Recent, Recents, Verdict
from hub.wire.protocol import Ack, Gap, Hello, Position

LineKey = tuple[str, str]
MAYBE_REPEAT = "maybe_repeat"
SKEW_TOLERANCE_S = 5.0  # smaller differences are the network's, not the clock's


@dataclass(slots=True)
class Line:
    """Where one (device, epoch) stands: `committed` is the last number used up; the rest are counts."""

    committed: int = 0
    stale: int = 0
    early: int = 0


@dataclass(frozen=True, slots=True)
class Admitted:
    """An event to store, with its message and picture. `amends`: the id of the event that it amends."""

    event: NewEvent
    arrival: Arrival
    picture: bytes | None
    amends: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A message to quarantine."""

    arrival: Arrival
    error: PayloadError


@dataclass(slots=True)
class Admission:
    """What a batch changes. `lines` holds only those it touched; the caller's stay as they were."""

    known: dict[LineKey, Line]
    skews: dict[str, float]
    known_recents: Mapping[str, Recent] = field(default_factory=dict)
    known_links: Mapping[str, PendingLink] = field(default_factory=dict)
    known_keys: dict[str, bytes] = field(default_factory=dict)
    amendments: Amendments = field(default_factory=Amendments)
    admitted: list[Admitted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    gaps: list[tuple[str, Gap, datetime]] = field(default_factory=list)
    hellos: dict[str, tuple[Hello, datetime]] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    lines: dict[LineKey, Line] = field(default_factory=dict)
    new_skews: dict[str, float] = field(default_factory=dict)
    repeats: int = 0
    unchanged: int = 0
    recents: Recents = field(init=False)
    links: LinkJoin = field(init=False)
    stored_keys: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.recents = Recents(self.known_recents)
        self.stored_keys = set(self.known_keys)
        self.links = LinkJoin(self.known_links, self.recents)

    def line(self, device: str, epoch: str) -> Line:
        """Return this batch's own copy of a line."""
        key = (device, epoch)
        if key not in self.lines:
            known = self.known.get(key)
            self.lines[key] = Line(known.committed, known.stale, known.early) if known else Line()
        return self.lines[key]

    def add(self, arrival: Arrival) -> Ack | None:
        """Take one arrival in; return the ack that is due for it, valid once the batch is committed."""
        decoded = arrival.decoded
        if arrival.late:
            self._keep_late(arrival)
            return None
        if decoded.device is not None:
            self.seen[decoded.device] = arrival.message.received_at
        verdict = self._judge(arrival.message)
        if verdict == "repeat":
            self.repeats += 1
            return None
        if decoded.image_link is not None and decoded.device is not None:
            self.links.hold(decoded.device, decoded.image_link, arrival.message)
        self.statuses += decoded.statuses
        if decoded.position is not None:
            return self._add_record(arrival, decoded.position)
        if decoded.hello is not None and decoded.device is not None:
            return self._greet(decoded.device, decoded.hello, arrival.message.received_at)
        if decoded.gap is not None and decoded.device is not None:
            return self._close_gap(decoded.device, decoded.gap, arrival.message.received_at)
        self._keep(arrival, doubtful=verdict == "doubtful")
        return None

    def _judge(self, message: Message) -> Verdict:
        if message.session is None:
            return "new"
        return self.recents[message.session].judge(message)

    def _keep(self, arrival: Arrival, *, doubtful: bool = False) -> None:
        decoded = arrival.decoded
        if decoded.events and decoded.position is None:
            if decoded.events[0].kind == "amendment":
                self._amend(arrival)
            elif self._is_new(arrival):
                self._keep_plain(arrival, doubtful=doubtful)
            return
        if decoded.error is not None:
            self.refused.append(Refused(arrival, decoded.error))
        for number, event in enumerate(decoded.events):
            picture = decoded.picture if number == 0 else None
            self.admitted.append(Admitted(self._correct_clock(event), arrival, picture))

    def _keep_late(self, arrival: Arrival) -> None:
        if arrival.decoded.error is not None:
            self.refused.append(Refused(arrival, arrival.decoded.error))
        if arrival.decoded.events and arrival.decoded.events[0].kind == "amendment":
            self._amend(arrival)
            return
        for number, event in enumerate(arrival.decoded.events):
            picture = arrival.decoded.picture if number == 0 else None
            self.admitted.append(Admitted(self._correct_clock(event), arrival, picture))

    def _amend(self, arrival: Arrival) -> None:
        """Take what an arrival says of events; what says nothing new is counted, what has none is refused."""
        errors: list[PayloadError] = []
        for number, said in enumerate(arrival.decoded.events):
            try:
                taken = self.amendments.take(said, arrival.decoded.about, self.admitted)
            except PayloadError as error:
                errors.append(error)
                continue
            if taken is None:
                self.unchanged += 1
                continue
            picture = arrival.decoded.picture if number == 0 else None
            self.admitted.append(Admitted(taken.event, arrival, picture, taken.amends))
        if errors:
            self.refused.append(Refused(arrival, errors[0]))

    def _is_new(self, arrival: Arrival) -> bool:
        """Whether no event of a plain message was stored under its key; other bytes are a conflict."""
        keys = keys_of(arrival)
        if not keys:
            return True
        digest = digest_of(arrival)
        taken = [key for key in sorted(keys) if self.known_keys.setdefault(key, digest) != digest]
        if taken:
            reason = f"the key {show(taken[0], 100)} belongs to an event of another message"
            self.refused.append(Refused(arrival, PayloadError("key_conflict", reason)))
            return False
        if keys <= self.stored_keys:
            self.repeats += 1
            return False
        self.stored_keys |= keys
        return True

    def _keep_plain(self, arrival: Arrival, *, doubtful: bool) -> None:
        first, *rest = arrival.decoded.events
        events = [self.links.join(first, arrival.message), *rest]
        for number, event in enumerate(events):
            picture = arrival.decoded.picture if number == 0 else None
            marked = _mark(event) if doubtful and event.key is None else event
            self.admitted.append(Admitted(marked, arrival, picture))

    def _add_record(self, arrival: Arrival, position: Position) -> Ack:
        line = self.line(position.device, position.epoch)
        if position.seq == line.committed + 1:
            line.committed = position.seq
            self._keep(arrival)
        elif position.seq <= line.committed:
            line.stale += 1
        else:
            line.early += 1
        return Ack(epoch=position.epoch, seq=line.committed)

    def _greet(self, device: str, hello: Hello, received_at: datetime) -> Ack:
        self.hellos[device] = (hello, received_at)
        skew = (received_at - hello.now).total_seconds()
        self.new_skews[device] = skew if abs(skew) > SKEW_TOLERANCE_S else 0.0
        committed = self.line(device, hello.epoch).committed
        return Ack(epoch=hello.epoch, seq=committed, hello=hello.nonce)

    def _close_gap(self, device: str, gap: Gap, received_at: datetime) -> Ack:
        line = self.line(device, gap.epoch)
        if gap.first > line.committed + 1:
            line.early += 1
        elif gap.last <= line.committed:
            line.stale += 1
        else:
            missing = gap.model_copy(update={"first": line.committed + 1})
            self.gaps.append((device, missing, received_at))
            line.committed = gap.last
        return Ack(epoch=gap.epoch, seq=line.committed)

    def _correct_clock(self, event: NewEvent) -> NewEvent:
        skew = self.new_skews.get(event.device, self.skews.get(event.device, 0.0))
        if skew == 0.0 or event.source != "edge":
            return event
        try:
            corrected = event.captured_at + timedelta(seconds=skew)
        except OverflowError:
            return event
        return event.model_copy(update={"captured_at": corrected})


def _mark(event: NewEvent) -> NewEvent:
    """Say of an event that it may be stored twice: its message came again, and the first may be stored."""
    return event.model_copy(update={"attributes": {**event.attributes, MAYBE_REPEAT: True}})


def lines_of(arrivals: Iterable[Arrival]) -> set[LineKey]:
    """Return the (device, epoch) pairs a batch will ask about."""
    keys: set[LineKey] = set()
    for arrival in arrivals:
        decoded = arrival.decoded
        if decoded.position is not None:
            keys.add(decoded.position[:2])
        elif decoded.device is not None and (named := decoded.hello or decoded.gap):
            keys.add((decoded.device, named.epoch))
    return keys
