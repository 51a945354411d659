"""Routes a topic to its decoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from hub.decode.message import Decoded, Message
from hub.decode.registry import Decoders
from hub.errors import PayloadError

MQTT = "mqtt"
"""The source of messages that are read by their topic."""


def filter_pattern(topic_filter: str) -> str:
    """Return the regular expression of the topics that an MQTT filter matches."""
    if topic_filter == "#":
        return r"(?!\$).*"
    parts = [r"[^/]*" if level == "+" else re.escape(level) for level in topic_filter.split("/")]
    if parts[-1] == re.escape("#"):
        return "/".join(parts[:-1]) + r"(?:/.*)?"
    return "/".join(parts)


class Topics:
    """Which decoder reads which topic; of overlapping filters, the first one written."""

    def __init__(self, topics: Mapping[str, str]) -> None:
        self.filters = tuple(topics)
        literals = "|".join(f"({filter_pattern(f)})" for f in topics)
        self._any = re.compile(literals, re.DOTALL)
        self._names = tuple(topics.values())

    def decoder_of(self, topic: str) -> str | None:
        """Return the name of the decoder for a topic, or None."""
        match = self._any.fullmatch(topic)
        return self._names[(match.lastindex or 1) - 1] if match else None


def decode_routed(message: Message, topics: Topics, decoders: Decoders, known: AbstractSet[str]) -> Decoded:
    """Decode a message by its topic; never raises.

    Args:
        known: Messages of any other device are refused as `unknown_device`; empty: every device is known.
    """
    name = topics.decoder_of(message.topic)
    if name is None:
        return Decoded(error=PayloadError("bad_topic", "no topic filter of ours matches this topic"))
    return decode_known(name, message, decoders, known)


def decode_again(message: Message, topics: Topics, decoders: Decoders, known: AbstractSet[str]) -> Decoded:
    """Decode a message that was kept; one that did not come by MQTT names the instance that reads it."""
    if message.source != MQTT:
        return decode_known(message.source, message, decoders, known)
    return decode_routed(message, topics, decoders, known)


def decode_known(name: str, message: Message, decoders: Decoders, known: AbstractSet[str]) -> Decoded:
    """Decode a message with one decoder, and refuse that of a device that is not known; never raises."""
    decoded = decoders.decode(name, message)
    if not known or decoded.device is None or decoded.device in known:
        return decoded
    error = PayloadError("unknown_device", f"device {decoded.device} is not in mqtt.known_devices")
    return Decoded(position=decoded.position, device=decoded.device, error=error)
