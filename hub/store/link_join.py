"""Joins image links to the records they belong to: a link waits for its device's next event. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from hub.decode.message import Message, Status
from hub.event import NewEvent
from hub.store.recent import Recents, is_ahead

LINK_AGE = timedelta(seconds=60)
"""How much later its record may come. A function sends both in one turn of its loop; the rest of the minute
lets the hub be started again in between. After that the record was lost, and what comes is another's."""
ATTRIBUTE = "link_to_img"


class PendingLink(NamedTuple):
    """A link, when it came, and the session and message id with which it came."""

    link: str
    received_at: datetime
    session: str | None = None
    mid: int | None = None


@dataclass(slots=True)
class LinkJoin:
    """What a batch changes of the links that wait, one at most for a device.

    Attributes:
        known: The links that waited before this batch.
        recents: Each session's last messages.
        changed: The links that wait now, by device; None: none does any more.
        given_up: Links whose record never came, for the device's history.
    """

    known: Mapping[str, PendingLink]
    recents: Recents
    changed: dict[str, PendingLink | None] = field(default_factory=dict)
    given_up: list[Status] = field(default_factory=list)

    @property
    def news(self) -> dict[str, PendingLink | None]:
        """What to write: a link that found its record within the batch leaves no trace."""
        changed = self.changed.items()
        return {device: link for device, link in changed if link is not None or device in self.known}

    def hold(self, device: str, link: str, message: Message) -> None:
        """Let a link wait; it takes the place of an older one."""
        self._give_up(device, self._pending(device))
        self.changed[device] = PendingLink(link, message.received_at, message.session, message.mid)

    def join(self, event: NewEvent, message: Message) -> NewEvent:
        """Return an event with the link that waits for it; one that cannot have it ends the waiting too."""
        pending = self._pending(event.device)
        if pending is None:
            return event
        self.changed[event.device] = None
        named = event.attributes.get(ATTRIBUTE)
        if named is None and self._is_before(pending, message):
            return event.model_copy(update={"attributes": {**event.attributes, ATTRIBUTE: pending.link}})
        if named != pending.link:
            self._give_up(event.device, pending)
        return event

    def _pending(self, device: str) -> PendingLink | None:
        return self.changed[device] if device in self.changed else self.known.get(device)

    def _give_up(self, device: str, pending: PendingLink | None) -> None:
        if pending is not None:
            said = Status(device=device, kind="image_link", text=pending.link, at=pending.received_at)
            self.given_up.append(said)

    def _is_before(self, pending: PendingLink, message: Message) -> bool:
        """Whether a link was sent before a message, and shortly before it."""
        if not timedelta(0) <= message.received_at - pending.received_at <= LINK_AGE:
            return False
        if not message.duplicate:
            return True  # a new message comes after all that came before
        # One that comes again may be from before the link: only its number tells.
        if message.session is None or message.mid is None or pending.mid is None:
            return False
        reliable = message.session == pending.session and self.recents[message.session].is_reliable
        return reliable and is_ahead(message.mid, pending.mid)
