"""What a source hands to the writer, and what comes back once it is committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from hub.decode.message import Decoded, Message
from hub.errors import PayloadError
from hub.wire.protocol import Ack


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message and what the decoder made of it.

    `late` says that it comes from quarantine: its events are stored, and it tells nothing of its device now.
    """

    message: Message
    decoded: Decoded
    late: bool = False

    @property
    def size(self) -> int:
        """Bytes this arrival holds in memory, roughly."""
        return len(self.message.payload) + 1000


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything of a burst is committed. `acks` are the answers due to edge agents, by device."""

    acks: tuple[tuple[str, Ack], ...]


@dataclass(frozen=True, slots=True)
class Burst:
    """Arrivals in the order received, committed before `on_committed` is called, once.

    `also` is a small change that is committed together with them; it is told why any of them were refused,
    and is made again when the transaction is.
    """

    arrivals: tuple[Arrival, ...]
    on_committed: Callable[[Receipt], None]
    also: Callable[[Connection, Sequence[PayloadError]], object] | None = None
    size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(arrival.size for arrival in self.arrivals))
