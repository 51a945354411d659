"""A message as it arrived, and how it is read out of received bytes: MQTT 3.1.1's PUBLISH packet. Pure."""

from __future__ import annotations

from typing import NamedTuple

PUBLISH = 3
QOS_1 = 1
LENGTH_BYTES = 4


class Received(NamedTuple):
    """A message as it arrived; `mid` is 0 at QoS 0, `duplicate` is the broker's DUP flag."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    duplicate: bool
    retain: bool


def _read_length(data: bytes, start: int) -> tuple[int, int] | None:
    """Return the remaining length that stands at `start` and where it ends, or None if it is cut off."""
    length = 0
    for index, byte in enumerate(data[start : start + LENGTH_BYTES]):
        length |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return length, start + index + 1
    return None


def read_publish(data: bytes, start: int) -> tuple[Received, int] | None:
    """Read the packet at `start` if it is a whole PUBLISH at QoS 1.

    Returns:
        The message and where the next packet begins; None for any other packet, one that is cut off, or one
        that breaks the protocol, all of which are left to paho.
    """
    flags = data[start]
    if (
        flags >> 4 != PUBLISH
        or flags >> 1 & 3 != QOS_1
        or (measured := _read_length(data, start + 1)) is None
    ):
        return None
    length, begin = measured
    end = begin + length
    topic_begin = begin + 2
    topic_end = topic_begin + int.from_bytes(data[begin:topic_begin], "big")
    payload_begin = topic_end + 2
    if end > len(data) or payload_begin > end or topic_end == topic_begin:
        return None
    topic = data[topic_begin:topic_end].decode("utf-8", "replace")
    mid = int.from_bytes(data[topic_end:payload_begin], "big")
    return Received(topic, data[payload_begin:end], mid, QOS_1, bool(flags & 8), bool(flags & 1)), end
