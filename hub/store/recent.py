"""Knows the last plain messages of a broker's session, so that a redelivered one is not stored twice. Pure.

Plain messages have no identity. All there is to tell a repeat by is the message id under which the broker
sent it and sends it again, as long as that id cannot have been given to another message meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal

from hub.decode.message import Message
from hub.wire.protocol import PREFIX

WINDOW = 10_000
"""How many of a session's last messages may come again. The private broker keeps 1,000 in flight, and up to
as many more for each time that the hub came back and did not live to acknowledge (1,831 seen)."""
PROOF = 1000
"""So many messages in a row, numbered upwards, show that a broker counts: it has fewer in flight."""
MIDS = 65535
DIGEST_BYTES = 16
_ENTRY_BYTES = 2 + DIGEST_BYTES
_NUMBERED = f"{PREFIX}/"

Verdict = Literal["new", "repeat", "doubtful"]
Entry = tuple[int, bytes]
"""The session's `run` at which a message came, and the digest of its topic and payload."""


def is_ahead(mid: int, before: int) -> bool:
    """Whether a message id lies after another one, counted upwards from 65535 to 1 again."""
    return 0 < (mid - before) % MIDS <= MIDS // 2


def is_plain(message: Message) -> bool:
    """Whether nothing but MQTT tells a message from another: records of our own agents are numbered."""
    return not message.topic.startswith(_NUMBERED)


def digest_of(message: Message) -> bytes:
    """Return a digest of topic and payload."""
    digest = hashlib.blake2b(message.topic.encode("utf-8", "replace"), digest_size=DIGEST_BYTES)
    digest.update(b"\x00")
    digest.update(message.payload)
    return digest.digest()


@dataclass(slots=True)
class Recent:
    """The committed messages of one session that may come again, and whether its ids can be relied upon.

    Some brokers give an id away again as soon as it is acknowledged. A redelivery then cannot be told from a
    new message of the same bytes; so ids count only once they have gone upwards for long (which such a
    broker's cannot), or where the broker is known to count.

    Attributes:
        counts_up: The broker is known to number upwards, as Mosquitto does.
        run: How many messages came since the ids last went back.
        last: The newest message id, 0 before the first.
        entries: What is committed, by message id, oldest first.
        added: What is not yet committed.
        broken: The ids went back since it was last written: what the table has is void.
        written: The `run` at which it was last written.
        cleared: The `run` at which what is too old was last deleted.
    """

    counts_up: bool = False
    run: int = 0
    last: int = 0
    entries: dict[int, Entry] = field(default_factory=dict)
    added: dict[int, Entry] = field(default_factory=dict)
    broken: bool = False
    written: int = 0
    cleared: int = 0

    def copy(self) -> Recent:
        """Return one that may change, for a batch that may fail; `entries` changes only in `settle`."""
        return replace(self, added={})

    @property
    def is_reliable(self) -> bool:
        """Whether an id stands for one message within the window."""
        return self.counts_up or self.run > PROOF

    @property
    def is_due(self) -> bool:
        """Whether there is something to write; seldom while only numbered records come."""
        return bool(self.added) or self.run - self.written >= WINDOW

    @property
    def is_crowded(self) -> bool:
        """Whether the table holds much that is too old."""
        return self.run - self.cleared >= WINDOW

    def judge(self, message: Message) -> Verdict:
        """Note that a message came, and say whether it is committed already."""
        if message.mid is None:
            return "doubtful" if message.duplicate else "new"
        ahead = self._count(message.mid, duplicate=message.duplicate)
        if not is_plain(message):
            return "new"
        digest = digest_of(message)
        if message.duplicate and self.has(message.mid, digest):
            return "repeat"
        self.added[message.mid] = (self.run, digest)
        return "doubtful" if message.duplicate and not (ahead and self.is_reliable) else "new"

    def _count(self, mid: int, *, duplicate: bool) -> bool:
        """Note an id, and return whether it lies after all that came before."""
        ahead = self.last == 0 or is_ahead(mid, self.last)
        if ahead:
            self.last = mid
            self.run += 1
        elif not duplicate:
            # A new message with an old number: the broker gives ids away again at once, or was put back.
            self.entries, self.added = {}, {}
            self.broken, self.run, self.last = True, 1, mid
            self.written = self.cleared = 0
        return ahead

    def has(self, mid: int, digest: bytes) -> bool:
        """Whether this very message is committed, as far as that can be relied upon."""
        found = self.added.get(mid) or self.entries.get(mid)
        if found is None or not self.is_reliable:
            return False
        return found[0] > self.run - WINDOW and found[1] == digest

    def settle(self) -> None:
        """Take over what was added, once it is committed."""
        self.written = self.run if self.is_due else self.written
        self.cleared = self.run if self.is_crowded else self.cleared
        for mid, entry in self.added.items():
            self.entries.pop(mid, None)
            self.entries[mid] = entry
        self.added, self.broken = {}, False
        if self.written == self.run:
            self._forget()

    def _forget(self) -> None:
        old = list(takewhile(lambda mid: self.entries[mid][0] <= self.run - WINDOW, self.entries))
        for mid in old:
            del self.entries[mid]


class Recents(dict[str, Recent]):
    """A batch's own copies of sessions' last messages, by session; each is made when it is asked for.

    Args:
        known: Those before this batch; they stay as they were.
    """

    def __init__(self, known: Mapping[str, Recent]) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, session: str) -> Recent:
        known = self._known.get(session)
        self[session] = known.copy() if known else Recent()
        return self[session]


def pack_entries(added: dict[int, Entry]) -> bytes:
    """Return message ids and digests as bytes."""
    return b"".join(mid.to_bytes(2, "big") + digest for mid, (_, digest) in added.items())


def unpack_entries(packed: bytes) -> dict[int, bytes]:
    """Return the digests by message id."""
    starts = range(0, len(packed), _ENTRY_BYTES)
    return {int.from_bytes(packed[at : at + 2], "big"): packed[at + 2 : at + _ENTRY_BYTES] for at in starts}
