"""The line between the function's process and its supervisor: lines of JSON over a pair of sockets.

A message's payload follows its line as bytes, and the supervisor answers once the message is on the disk.
What was written is with the supervisor even if the process ends the next moment.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import Any

MAX_PAYLOAD_BYTES = 128 * 1024  # AWS IoT's limit, which held on the device too
MAX_TOPIC_BYTES = 256  # AWS IoT's limit
MAX_LINE_BYTES = 64 * 1024


class PublishError(RuntimeError):
    """A message was not taken; the function sees it raised from `publish`."""


class Channel:
    """The function's end; may be used from any thread.

    Args:
        sock: The connected socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._answers = sock.makefile("rb")
        self._mutex = threading.Lock()
        self._said: set[tuple[str, str]] = set()
        self._forked = False
        os.register_at_fork(after_in_child=self._forsake)

    def read_settings(self) -> dict[str, Any]:
        """Return what the supervisor says first."""
        return dict(json.loads(self._answers.readline()))

    def say(self, kind: str, text: str = "") -> None:
        """Tell the supervisor something: `frame`, `inference`, or a kind with a text."""
        with self._mutex:
            self._write({"kind": kind, "text": text[:8000]})

    def say_once(self, kind: str, text: str) -> None:
        """Tell it unless the same was told before."""
        if (kind, text) not in self._said:
            self._said.add((kind, text))
            self.say(kind, text)

    def publish(self, topic: str, payload: bytes) -> None:
        """Return once a message is on the disk.

        Raises:
            PublishError: It is too large, its topic cannot be published to, the disk is full, or this is a
                process that the function forked.
        """
        if problem := find_problem(topic, len(payload)):
            self.say("refused", problem)
            raise PublishError(problem)
        with self._mutex:
            self._write({"kind": "publish", "topic": topic, "size": len(payload)}, payload)
            answer = json.loads(self._answers.readline() or b'{"error": "the supervisor is gone"}')
        if answer["error"]:
            raise PublishError(answer["error"])

    def _forsake(self) -> None:
        """In a process that the function forked: two on one line would talk over each other."""
        self._forked, self._mutex = True, threading.Lock()

    def _write(self, line: dict[str, Any], payload: bytes = b"") -> None:
        if self._forked:
            raise PublishError("a forked process can neither publish nor use awscam; use a thread")
        self._sock.sendall(json.dumps(line).encode() + b"\n" + payload)


def find_problem(topic: str, size: int) -> str | None:
    """Return why a message cannot be published, or None. `size` is its payload's, in bytes."""
    shown = topic[:80]
    if not topic or len(topic.encode(errors="replace")) > MAX_TOPIC_BYTES:
        return f"publish to {shown!r} refused: a topic has 1 to {MAX_TOPIC_BYTES} bytes"
    if any(sign in topic for sign in "+#\0") or not topic.isprintable():
        return f"publish to {shown!r} refused: a topic to publish to has no +, # or control characters"
    if size > MAX_PAYLOAD_BYTES:
        return f"publish to {shown!r} refused: {size} bytes, and AWS IoT takes {MAX_PAYLOAD_BYTES} at most"
    return None
