"""What alerts send: one notice for one target, and what a target must offer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Literal, Protocol, Self

Kind = Literal["alert", "picture", "recovered", "escalated", "digest"]
Picture = tuple[bytes, str, str]
"""Bytes, file name, media type."""


class Unanswered(Exception):  # noqa: N818 - neither sent nor failed
    """The target did not say in time whether the notice arrived."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for one target.

    Attributes:
        key: Names it in the effects ledger.
        stamp: A moment that tells it from a notice with the same key of another hub.
        alert: The alert that it is about, as `lenshub alerts` shows it.
        facts: Plain values for machines; names in them are as the device sent them.
    """

    key: str
    stamp: datetime
    alert: str
    kind: Kind
    title: str
    body: str
    facts: Mapping[str, object]
    picture: Picture | None = None

    def showing(self, picture: Picture, key: str | None = None) -> Notice:
        """Return the notice with its picture; with a key, as one of its own that brings it later."""
        kind: Kind = "picture" if key else self.kind
        return replace(self, picture=picture, key=key or self.key, kind=kind)

    def linked(self, link: str) -> Notice:
        """Return the notice with a link that acknowledges its alert."""
        return replace(
            self, body=f"{self.body}\nI have seen it: {link}", facts={**self.facts, "acknowledge": link}
        )

    @property
    def id(self) -> str:
        """What the far side knows a repeat by: the same at every attempt, and no other notice has it."""
        named = f"{self.facts.get('plugin')}\n{self.key}\n{self.stamp.isoformat()}"
        return hashlib.blake2b(named.encode(), digest_size=16).hexdigest()


class Target(Protocol):
    """Somewhere that notices go. An async context: its connections last as long as the plugin.

    Attributes:
        name: How it is called in outcomes; nothing secret.
        identity: Tells it from others for ever; nothing secret.
        takes_pictures: It can show a picture.
        repeatable: The far side knows a repeat by the notice's key, so what is unknown is sent again.
    """

    name: str
    identity: str
    takes_pictures: bool
    repeatable: bool

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, notice: Notice) -> None:
        """Send one notice.

        Raises:
            RetryLater: It was not sent; or it may have arrived, and a repeat does no harm.
            Unanswered: It may have arrived, and must not be repeated.
        """
        ...
