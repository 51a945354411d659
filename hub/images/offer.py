"""What a channel offers: a picture that waits somewhere, and what becomes of it there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, Protocol

from hub.errors import HubError, PayloadError
from hub.images.image import Origin
from hub.images.message import Refusal

MAX_KEY_CHARS = 500


class Unavailable(HubError):  # noqa: N818 - it says what the picture is
    """The picture cannot be had now; it stays where it is, and comes again."""


class NotWanted(HubError):  # noqa: N818 - likewise
    """The picture is not to be classified."""


class Unreadable(PayloadError):  # noqa: N818 - likewise
    """The picture can never be had; `data` is what there is of it, to be kept in quarantine."""

    def __init__(self, code: str, reason: str, data: bytes = b"") -> None:
        super().__init__(code, reason)
        self.data = data


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a picture: its event is stored or was before, it was refused, or a gate kept it back."""

    key: str
    kind: Literal["stored", "known", "refused", "kept back", "ignored"]
    refusal: Refusal | None = None


class Offer(Protocol):
    """One picture that waits."""

    @property
    def origin(self) -> Origin:
        """What is known of it."""
        ...

    async def identify(self) -> str:
        """Return its key; raises as `read` does."""
        ...

    async def read(self) -> bytes:
        """Return its bytes.

        Raises:
            Unavailable, Unreadable: It cannot be had now, or never.
        """
        ...

    async def settle(self, outcome: Outcome) -> None:
        """Take it away: what became of it is committed."""
        ...

    async def leave(self, reason: str) -> None:
        """Let it stay where it is; it is offered again later."""
        ...


class Channel(Protocol):
    """Where pictures wait. An async context manager too."""

    name: str

    async def next(self) -> Offer:
        """Return a picture that waits, each once until it is settled or left; wait until there is one."""
        ...

    async def backlog(self) -> int:
        """Return how many wait, roughly."""
        ...


def fit_key(key: str, start: str) -> str:
    """Return `key`, or `start` and its digest where it is too long or holds what an event's key cannot."""
    if len(key) <= MAX_KEY_CHARS and key.isprintable():
        return key
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{start[: MAX_KEY_CHARS - 80]}:sha256-{digest}"
