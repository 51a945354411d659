"""Who may look at the display: anybody on this machine, and elsewhere those who know the token."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIE = "lenshub-edge"


def is_loopback(host: str) -> bool:
    """Return whether an address or name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Access:
    """Without a token only requests that name the loopback are let in, so that no foreign page, by a DNS
    name that leads here, can read what the camera sees."""

    token: str | None = field(default=None, repr=False)

    def allows(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request with these headers may see what it asks for."""
        if self.token is None:
            return is_loopback(_host_of(headers.get("Host", "")))
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        return self.knows(_cookie_of(headers)) or (scheme.lower() == "bearer" and self.knows(bearer.strip()))

    def knows(self, word: str) -> bool:
        """Return whether a word is the token; takes as long whatever the word is."""
        return hmac.compare_digest(word.encode("utf-8", "replace"), (self.token or "").encode()) and bool(
            word
        )


def token_in(target: str) -> str:
    """Return the token that a request's target has in its query, or an empty text."""
    return parse_qs(target.partition("?")[2]).get("token", [""])[0]


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _cookie_of(headers: Mapping[str, str]) -> str:
    try:
        cookies = SimpleCookie(headers.get("Cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""
