"""Keeps records within what the broker takes: the limit it announces, or one learned from its complaints."""

from __future__ import annotations

import asyncio
import logging

from edge.fit import TOO_LARGE_REASON, fit_record, strip_picture
from edge.outage import Outage
from edge.spool import Record
from hub.wire.protocol import join_record

SMALLEST_GUESS = 16 * 2**10
TOPIC_BYTES = 200  # at most what a PUBLISH packet holds beside its payload
# how a lost connection looks when a packet was too large; Mosquitto's message_size_limit gives the second
COMPLAINTS = ("Packet too large", "Protocol error")
DOUBTS = 3  # in a row, before the size is blamed where no reason is given


class PacketLimit:
    """The payload limit of a broker, in bytes; none until it is known.

    A broker of MQTT 3.1.1 gives no reasons: it drops what is too large, or the connection. There the size is
    blamed after a few failures in a row, and acquitted when the smallest guess does not get through either.

    Args:
        known: What it takes at most, if that is known before it says so.
    """

    def __init__(self, known: int | None = None) -> None:
        self._known = known
        self._announced: int | None = None
        self._learned: int | None = None
        self._tells_reasons = True
        self._doubts = 0
        self._trouble = Outage(logging.getLogger("edge.link"), "record size")

    def connected(self, max_packet_bytes: int | None, *, tells_reasons: bool) -> None:
        """Take note of what a broker announced when it was connected to."""
        self._tells_reasons = tells_reasons
        self._announced = max_packet_bytes - TOPIC_BYTES if max_packet_bytes else None
        if self._announced is None and self._learned is None:
            self._trouble.end()

    def lost(self, complaint: str, largest: int) -> None:
        """Guess a smaller limit if a connection was lost over the size of a payload.

        Args:
            complaint: What the broker or the client said.
            largest: The size of the largest payload under way; 0 for none.
        """
        if largest > SMALLEST_GUESS and any(text in complaint for text in COMPLAINTS):
            self._guess(largest)
        elif largest:
            self.doubt(largest)

    def doubt(self, largest: int) -> None:
        """Take note that a payload did not arrive and nobody said why, with the size of the largest."""
        if self._tells_reasons:
            return
        self._doubts += 1
        if self._doubts < DOUBTS:
            return
        if largest > SMALLEST_GUESS:
            self._guess(largest)
            self._doubts = DOUBTS - 1  # if this does not help, the next guess is due at once
        else:
            self._learned, self._doubts = None, 0

    def arrived(self) -> None:
        """Take note that something arrived."""
        self._doubts = 0

    def _guess(self, largest: int) -> None:
        self._learned = max(SMALLEST_GUESS, largest * 3 // 4)

    async def fit(self, record: Record) -> bytes | None:
        """Return the record's payload, made smaller where needed, or None when it can never be sent."""
        payload = join_record(record.line, record.picture)
        limit = min(filter(None, (self._known, self._announced, self._learned)), default=len(payload))
        if len(payload) <= limit:
            return payload
        takes = "takes" if limit == self._announced else "seems to take"
        self._trouble.begin(f"the broker {takes} {limit} bytes; larger pictures are made smaller")
        smaller = await asyncio.to_thread(fit_record, record.line, record.picture, limit)
        if smaller is None and limit not in (self._known, self._announced):
            return strip_picture(record.line, TOO_LARGE_REASON)  # a guess must not cost a record
        return smaller
