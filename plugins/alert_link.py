"""Signs what a link to acknowledge an alert must carry, and checks it when the link is followed."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

MAX_TOKEN_CHARS = 2000


class LinkError(ValueError):
    """A link's token is not one of ours, was changed, or is too old."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Which alert of which plugin instance a link acknowledges, and until when (Unix time in seconds)."""

    plugin: str
    alert: str
    until: int


def sign_acknowledgement(what: Acknowledgement, secret: bytes) -> str:
    """Return a token for a URL: what is acknowledged, readable, and its HMAC-SHA256."""
    said = _encode(json.dumps(asdict(what), separators=(",", ":")).encode())
    return f"{said}.{_encode(_sign(said, secret))}"


def read_acknowledgement(token: str, secret: bytes, now: datetime) -> Acknowledgement:
    """Return what a token acknowledges; nothing of it is read before its signature is checked.

    Raises:
        LinkError: It is not signed with this secret, or its time is over.
    """
    said, _, signature = token.partition(".")
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        raise LinkError("this link is not one of ours")
    if not hmac.compare_digest(_encode(_sign(said, secret)), signature):
        raise LinkError("this link is not one of ours, or was changed")
    what = Acknowledgement(**json.loads(urlsafe_b64decode(said + "=" * (-len(said) % 4))))
    if now.astimezone(UTC).timestamp() > what.until:
        raise LinkError("this link is too old; `lenshub alerts ack` still works")
    return what


def _sign(said: str, secret: bytes) -> bytes:
    return hmac.new(secret, b"lenshub acknowledge\n" + said.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
