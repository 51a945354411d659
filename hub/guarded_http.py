"""The one HTTP client for URLs that come from configuration, events or people.

It speaks https to public addresses only, whatever a name resolves to and wherever a redirect leads; hosts
that the configuration allows by name are excepted. The address that was checked is the one connected to.
Proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hub.errors import DeliveryError
from hub.guarded_address import Address, ForbiddenUrlError, check_url, is_public, plain_host

if TYPE_CHECKING:
    import ssl

    from aiohttp import ClientResponse, ClientSession
    from aiohttp.abc import AbstractResolver
    from yarl import URL

TIMEOUT_S = 10.0
MAX_BYTES = 1_048_576
MAX_REDIRECTS = 3
_SAME_METHOD = frozenset({307, 308})
_REDIRECTS = frozenset({301, 302, 303}) | _SAME_METHOD


class HttpFailure(DeliveryError):  # noqa: N818 - it says what failed
    """No usable answer came.

    Args:
        sent: The request may have arrived all the same.
    """

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class TooLargeError(HttpFailure):
    """The answer is larger than what is read; asking again would not help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GuardedHttp:
    """An async context: a pool of connections inside, none after.

    Args:
        allowed: Hosts that may be private and asked over plain http, by name or address.
        timeout_s: Of a request with all its redirects and its answer.
        max_bytes: Of an answer's body.
        resolver: Turns names into addresses; None for the system's.
        tls: How to know servers; None for the system's authorities.
        reachable: Which addresses count as public.
    """

    def __init__(
        self,
        allowed: frozenset[str] = frozenset(),
        *,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        reachable: Callable[[Address], bool] = is_public,
    ) -> None:
        self._allowed = frozenset(map(plain_host, allowed))
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._resolver = resolver
        self._tls = tls
        self._reachable = reachable
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        resolver = _checking(self._resolver or aiohttp.ThreadedResolver(), self._allowed, self._reachable)
        connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, ssl=self._tls or True, limit_per_host=16
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,  # no proxy, no .netrc
            auto_decompress=False,  # so that a small answer cannot become a large one
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for a URL and follow redirects; one that would turn another method into GET is not followed.

        Raises:
            ForbiddenUrlError: The URL, or one that it leads to, must not be asked for.
            HttpFailure: No answer came in time, or one that is too large or not HTTP.
        """
        import aiohttp

        place = check_url(url, self._allowed)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(method, place, body, dict(headers or {}))
        except TimeoutError as error:
            raise HttpFailure(
                f"{place.host} did not answer within {self._timeout_s:g} s", sent=True
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise HttpFailure(f"{place.host} cannot be reached: {_reason(error)}", sent=False) from error
        except (aiohttp.ClientError, ValueError) as error:
            if isinstance(error, ForbiddenUrlError):
                raise
            raise HttpFailure(f"{place.host} did not answer in HTTP: {_reason(error)}", sent=True) from error

    async def _follow(self, method: str, url: URL, body: bytes, headers: dict[str, str]) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._ask(method, url, body, headers)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or target is None:
                return answer
            if method != "GET" and answer.status not in _SAME_METHOD:
                return answer
            url = self._next(url, target)
        raise HttpFailure(f"{url.host} redirects more than {MAX_REDIRECTS} times", sent=True)

    def _next(self, url: URL, target: str) -> URL:
        from yarl import URL

        try:
            return check_url(str(url.join(URL(target))), self._allowed)
        except ForbiddenUrlError as error:
            raise ForbiddenUrlError(
                f"{url.host} redirects to an address that is not asked: {error}"
            ) from error

    async def _ask(self, method: str, url: URL, body: bytes, headers: dict[str, str]) -> Answer:
        if self._session is None:
            raise RuntimeError("GuardedHttp is used outside of its `async with`")
        sent = {"Accept-Encoding": "identity", "User-Agent": "LensHub"} | headers
        async with self._session.request(
            method, url, data=body or None, headers=sent, allow_redirects=False
        ) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, await self._read(response, url))

    async def _read(self, response: ClientResponse, url: URL) -> bytes:
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > self._max_bytes:
                response.close()
                raise TooLargeError(f"{url.host} answered more than {self._max_bytes} bytes", sent=True)
        return bytes(data)


def _reason(error: Exception) -> str:
    """Return the kind of an error and no more: texts of aiohttp repeat the URL."""
    cause = getattr(error, "os_error", None)
    return getattr(cause, "strerror", None) or type(error).__name__


def _checking(
    inner: AbstractResolver, allowed: frozenset[str], reachable: Callable[[Address], bool]
) -> AbstractResolver:
    """Return a resolver that refuses names which lead to an address that must not be reached.

    Its answer is what the connection is made to, so that a name cannot lead elsewhere a moment later.
    """
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Checking(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            found = await inner.resolve(host, port, family)
            if plain_host(host) not in allowed and not all(_reaches(answer) for answer in found):
                raise ForbiddenUrlError(f"{host} leads to an address that is not public")
            return found

        async def close(self) -> None:
            await inner.close()

    def _reaches(answer: Any) -> bool:
        try:
            return reachable(ip_address(answer["host"]))
        except ValueError:
            return False

    return Checking()
