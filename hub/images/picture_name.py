"""Says in the events of a picture which one it was: at the first reading, and when it is read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pydantic import ValidationError

from hub.decode.message import Decoded, Message
from hub.event import NewEvent
from hub.images.message import name_of

MAX_NAME_CHARS = 200


def decode_named(message: Message, decode: Callable[[Message], Decoded]) -> Decoded:
    """Read a message; the events of one that `hub.images.message` wrote get the attribute `picture`."""
    decoded = decode(message)
    if not decoded.events or (name := name_of(message)) is None:
        return decoded
    events = tuple(_name(event, name[:MAX_NAME_CHARS]) for event in decoded.events)
    return replace(decoded, events=events)


def _name(event: NewEvent, name: str) -> NewEvent:
    """Return an event with the attribute, unless it has one or no room for it."""
    if "picture" in event.attributes:
        return event
    try:
        room = NewEvent(
            source=event.source,
            device=event.device,
            captured_at=event.captured_at,
            attributes=event.attributes | {"picture": name},
        )
    except ValidationError:
        return event
    return event.model_copy(update={"attributes": room.attributes})
