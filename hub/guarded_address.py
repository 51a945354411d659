"""Which addresses a URL from outside may lead to: never this machine or a private network. Pure."""

from __future__ import annotations

import re
from collections.abc import Container
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

Address = IPv4Address | IPv6Address
MAX_URL_CHARS = 2000
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*")
# The resolver of the C library takes 127.1, 0x7f.1, 0177.0.0.1 and 2130706433 for 127.0.0.1.
_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")
_URL_SIGNS = frozenset("/@[]")
_NAT64 = ip_network("64:ff9b::/96")


class ForbiddenUrlError(ValueError):
    """A URL must not be fetched. The text names its host at most: the rest may be secret."""


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet, also by the IPv4 address that an IPv6 one carries."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour or address.teredo or address.scope_id or address.is_site_local:
            return False
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if int(address) < 1 << 32:  # IPv4-compatible: ::127.0.0.1
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def read_address(host: str) -> Address | None:
    """Return the address that a host is written as, or None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def plain_host(host: str) -> str:
    """Return a host as it is compared: lower case, without a trailing dot.

    Raises:
        ForbiddenUrlError: It is a URL, or has a port or brackets.
    """
    if not _URL_SIGNS.isdisjoint(host) or host.count(":") == 1:
        raise ForbiddenUrlError("must be a host such as 192.168.1.5, without https://, port or brackets")
    return host.lower().removesuffix(".")


def check_url(text: str, allowed: Container[str] = ()) -> URL:
    """Return a URL that may be asked for, as far as it can be told without resolving its name.

    Args:
        allowed: Hosts, as `plain_host` writes them, that may be private and asked over plain http.

    Raises:
        ForbiddenUrlError: It is none, carries a user name, is not https, or names a private address.
    """
    from yarl import URL

    if len(text) > MAX_URL_CHARS or any(sign <= " " or sign == "\x7f" for sign in text) or "\\" in text:
        raise ForbiddenUrlError("is not an address like https://example.org/hook")
    try:
        url = URL(text)
        host = url.host or ""
    except ValueError as error:
        raise ForbiddenUrlError("is not an address like https://example.org/hook") from error
    if url.scheme not in {"https", "http"} or not host or url.port == 0:
        raise ForbiddenUrlError("is not an address like https://example.org/hook")
    if url.raw_user is not None or url.raw_password is not None:
        raise ForbiddenUrlError("must not carry a user name or password")
    _check_host(plain_host(host), allowed)
    if url.scheme == "http" and plain_host(host) not in allowed:
        raise ForbiddenUrlError(f"must be https ({plain_host(host)} is not an allowed host)")
    return url.with_host(plain_host(host))


def _check_host(host: str, allowed: Container[str]) -> None:
    address = read_address(host)
    if address is None and (not _NAME.fullmatch(host) or _NUMBER.fullmatch(host) or len(host) > 253):
        raise ForbiddenUrlError("its host is neither a name nor an address written in the usual way")
    if address is not None and host not in allowed and not is_public(address):
        raise ForbiddenUrlError(f"{host} is not a public address, and not an allowed host")
