"""Which stored events become samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from hub.dataset.reading import Tell, silent
from hub.event import Event, Frame
from hub.store.captures import list_reasons
from hub.store.log import EventFilter, EventLog
from hub.verdicts import ACCEPTED, CORRECTED, DISPUTED, REJECTED, word_of

TAKEN = frozenset({ACCEPTED, CORRECTED})
NOT_REVIEWED = "not reviewed"
_PAGE = 1000


def is_reviewed(event: Event) -> bool:
    """Whether a person said that an event is right, or made it so; `event` is as it stands."""
    return word_of(event.attributes) in TAKEN


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted of the store.

    Attributes:
        unreviewed: Also what nobody has reviewed; what was rejected or is disputed never is.
        negatives: Also pictures without a detection.
    """

    device: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    unreviewed: bool = False
    negatives: bool = True

    def why_not(self, event: Event) -> str | None:
        """Return why an event with a picture is left out, or None."""
        if word_of(event.attributes) == REJECTED:
            return "rejected in review"
        if word_of(event.attributes) == DISPUTED:
            return "disputed (`lenshub review --disputed`)"
        if not self.unreviewed and not is_reviewed(event):
            return NOT_REVIEWED
        if self.until is not None and event.captured_at >= self.until:
            return "captured later"
        return "without a detection" if not event.detections and not self.negatives else None


@dataclass(slots=True)
class Chosen:
    """Events that become samples, by id, and how many were left out by reason; `up_to` is the log's end.

    `captured` says why events were captured, by their id, as far as a plugin did. `references` says where
    pictures lie in S3, by the event's id; None where they are not to be named there.
    """

    events: list[Event] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    up_to: int = 0
    captured: dict[int, str] = field(default_factory=dict)
    references: Mapping[int, str] | None = None


async def choose(log: EventLog, choice: Choice, tell: Tell = silent) -> Chosen:
    """Return what is chosen, as it stood at one moment; of events with the same picture the last one."""
    found = Chosen(up_to=await log.newest_id())
    wanted = EventFilter(device=choice.device, since=choice.since, up_to=found.up_to)
    by_picture: dict[str, Event] = {}
    position = 0
    while page := await log.standing_after(position, _PAGE, wanted):
        for _, event in page:
            _take(event, choice, by_picture, found.left_out)
        position = page[-1][0]
        tell(position, found.up_to)
    found.events = sorted(by_picture.values(), key=lambda event: event.id)
    found.captured = await log.ask(partial(list_reasons, ids=[event.id for event in found.events]))
    return found


def _take(event: Event, choice: Choice, by_picture: dict[str, Event], left_out: Counter[str]) -> None:
    if not isinstance(event.frame, Frame):
        left_out["without a picture"] += 1
    elif (reason := choice.why_not(event)) is not None:
        left_out[reason] += 1
    else:
        left_out["with the picture of a later event"] += event.frame.digest in by_picture
        by_picture[event.frame.digest] = event
