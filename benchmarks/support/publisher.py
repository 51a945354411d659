"""Publishes edge events as fast as a broker takes them, or at a rate: whole packets on a plain socket.

A client library would be slower than what is measured.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from support.broker import HOST

DEVICE = "camera-01"
EPOCH = "0123456789abcdef"
LABEL = "thumbs-up"
UNACKNOWLEDGED = 10_000  # more than a broker needs in flight, far from what its socket buffers hold
PACKETS_A_WRITE = 100
PUBACK_BYTES = 4
TIMEOUT_S = 60.0

_BOXES = (
    {"left": 0.1042, "top": 0.2031, "width": 0.2854, "height": 0.4167},
    {"left": 0.6125, "top": 0.1875, "width": 0.2021, "height": 0.3958},
)


def event_line(captured_at: datetime, seq: int) -> bytes:
    """Return what an agent sends for one moment: about 400 bytes, two detections with boxes."""
    event = {
        "device": DEVICE,
        "captured_at": captured_at.isoformat().replace("+00:00", "Z"),
        "model": {"name": "thumbs-up", "version": "1"},
        "detections": [{"label": LABEL, "confidence": 0.9312, "box": box, "class_id": 0} for box in _BOXES],
        "attributes": {"frame_number": seq},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def publish_packet(topic: str, payload: bytes, mid: int) -> bytes:
    """Return an MQTT 3.1.1 PUBLISH packet at QoS 1."""
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name + struct.pack(">H", mid) + payload
    return b"\x32" + _encode_length(len(body)) + body


def _encode_length(length: int) -> bytes:
    encoded = bytearray()
    while True:
        length, low = divmod(length, 128)
        encoded.append(low | (0x80 if length else 0))
        if not length:
            return bytes(encoded)


class Publisher:
    """One device with consecutive numbers, connected inside the context; counts the broker's PUBACKs."""

    def __init__(self, port: int, picture: bytes = b"") -> None:
        self.acknowledged = 0
        self._picture = b"\n" + picture if picture else b""
        self._seq = 0
        self._socket = socket.create_connection((HOST, port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._counter = threading.Thread(target=self._count, name="count PUBACKs", daemon=True)

    def __enter__(self) -> Self:
        client_id = DEVICE.encode()
        body = b"\x00\x04MQTT\x04\x02" + struct.pack(">HH", 0, len(client_id)) + client_id
        self._socket.sendall(b"\x10" + _encode_length(len(body)) + body)
        if self._socket.recv(4) != b"\x20\x02\x00\x00":
            raise ConnectionError("the broker refused the publisher")
        self._socket.settimeout(None)  # from here on `_wait_for` sees to it that nobody waits for ever
        self._counter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._counter.join()
        self._socket.close()

    def _count(self) -> None:
        received = 0
        while chunk := self._socket.recv(65536):
            received += len(chunk)
            self.acknowledged = received // PUBACK_BYTES

    def _next_packet(self) -> bytes:
        self._seq += 1
        topic = f"lenshub/v1/{DEVICE}/events/{EPOCH}/{self._seq}"
        line = event_line(datetime.now(UTC), self._seq) + self._picture
        return publish_packet(topic, line, self._seq % 65535 + 1)

    def publish(self, messages: int) -> None:
        """Publish as fast as the broker acknowledges; return once it has acknowledged all."""
        last = self._seq + messages
        while self._seq < last:
            self._wait_for(self._seq - UNACKNOWLEDGED)
            count = min(PACKETS_A_WRITE, last - self._seq)
            self._socket.sendall(b"".join(self._next_packet() for _ in range(count)))
        self._wait_for(last)

    def publish_at(self, rate_per_s: float, seconds: float) -> int:
        """Publish one message after the other at an even rate, each stamped as it leaves; return how many."""
        messages = int(rate_per_s * seconds)
        begin = time.perf_counter()
        for number in range(messages):
            time.sleep(max(0.0, begin + number / rate_per_s - time.perf_counter()))
            self._socket.sendall(self._next_packet())
        self._wait_for(self._seq)
        return messages

    def _wait_for(self, acknowledged: int) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while self.acknowledged < acknowledged:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.acknowledged} of {acknowledged} messages were acknowledged")
            time.sleep(0.001)
