"""What the function prints: cut to lines of bounded length and number, with secrets blotted out."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping

MAX_LINE_CHARS = 500
MAX_LINES = 200
PER_S = 10.0
BLOT = "[secret]"
SHORTEST_SECRET = 6
_SECRET_NAME = re.compile(r"passw|secret|token|access_key|api_?key|credential", re.IGNORECASE)
_SECRET_SHAPE = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:(?<=password=)|(?<=token=)|(?<=secret=)|(?<=access_key=)|(?<=bearer ))[^\s&,'\"]+"
    r"|(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]*[0-9])(?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)


class Blotter:
    """Knows what must not be shown: secret variables of the environment, and what it is told.

    Args:
        environment: The function's.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._secrets = {value for name, value in environment.items() if _SECRET_NAME.search(name)}

    def learn(self, secret: str) -> None:
        """Take note of another secret; what is very short is none."""
        self._secrets.add(secret)

    def clean(self, text: str) -> str:
        """Return a text without secrets and control characters."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, BLOT)
        text = _SECRET_SHAPE.sub(BLOT, text)
        return "".join(sign if sign.isprintable() else " " for sign in text)


async def relay(stream: asyncio.StreamReader, blotter: Blotter, show: Callable[[str], object]) -> None:
    """Show what a stream says line by line until it ends: `MAX_LINES` each `PER_S` seconds at most."""
    shown, left_out, since = 0, 0, time.monotonic()
    async for line in _lines(stream):
        if time.monotonic() - since > PER_S:
            if left_out:
                show(f"({left_out} more lines left out)")
            shown, left_out, since = 0, 0, time.monotonic()
        if shown < MAX_LINES:
            shown += 1
            show(blotter.clean(line))
        else:
            left_out += 1
    if left_out:
        show(f"({left_out} more lines left out)")


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield lines without their ends; of a long one only its beginning."""
    rest, skipping = b"", False
    while data := await stream.read(65536):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            if not skipping:
                yield _cut(line)
            skipping = False
        if len(rest) > 4 * MAX_LINE_CHARS:
            if not skipping:
                yield _cut(rest)
            rest, skipping = b"", True
    if rest and not skipping:
        yield _cut(rest)


def _cut(line: bytes) -> str:
    text = line.decode(errors="replace").rstrip()
    more = f"... ({len(text)} characters)" if len(text) > MAX_LINE_CHARS else ""
    return text[:MAX_LINE_CHARS] + more
