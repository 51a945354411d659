"""The guarded client: a resolver that lies, and servers that redirect, hang, talk nonsense or flood."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from hub.guarded_address import ForbiddenUrlError
from hub.guarded_http import GuardedHttp, HttpFailure

PUBLIC = "127.0.0.2"  # stands for an address on the open internet
METADATA = "http://169.254.169.254/latest/meta-data/"


class Resolver(AbstractResolver):
    """Answers from a table; of several answers for a name each is given once, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = answers
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        rounds = self._answers[host.split(".")[0]]
        addresses = rounds.pop(0) if len(rounds) > 1 else rounds[0]
        flags = socket.AI_NUMERICHOST
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Site:
    """Servers on one port of two addresses, with and without TLS; it remembers who was asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.port = 0
        self.end = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        host = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        self.asked.append((host, request.method, request.path, await request.read()))
        match request.path.split("/"):
            case ["", "to", status]:
                return web.Response(status=int(status), headers={"Location": request.query["target"]})
            case ["", "loop"]:
                return web.Response(status=307, headers={"Location": "/loop"})
            case ["", "flood"]:
                return await self._flood(request)
            case ["", "hang"]:
                await self.end.wait()
            case ["", "packed"]:
                return web.Response(body=b"\x1f\x8b not gzip", headers={"Content-Encoding": "gzip"})
        return web.Response(text="fine", headers={"Set-Cookie": "a=b"})

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while not self.end.is_set():
                await response.write(b"x" * 65536)
        except ConnectionError:
            pass
        return response

    def url(self, path: str, name: str = "site.example", scheme: str = "http") -> str:
        return f"{scheme}://{name}:{self.port}{path}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A running site on 127.0.0.1 and, on the same port, on 127.0.0.2."""
    made = Site()
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(_application(made), shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.callback(made.end.set)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        await web.TCPSite(runner, PUBLIC, made.port).start()
        yield made


def _application(site: Site) -> web.Application:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", site.answer)
    return application


def client(resolver: Resolver | None = None, *allowed: str, **more: Any) -> GuardedHttp:
    """Return a client for which `PUBLIC` is a public address, and that may ask `allowed` over http."""
    resolver = resolver or Resolver(site=[[PUBLIC]])
    return GuardedHttp(
        frozenset(allowed), resolver=resolver, reachable=lambda found: found == ip_address(PUBLIC), **more
    )


async def test_client_asks_a_host_that_is_allowed_by_name(site: Site) -> None:
    resolver = Resolver(site=[["127.0.0.1"]])
    async with client(resolver, "site.example") as http:
        answer = await http.request("POST", site.url("/x"), body=b"hello")
    assert (answer.status, answer.body) == (200, b"fine")
    assert site.asked == [("127.0.0.1", "POST", "/x", b"hello")]


async def test_client_refuses_a_name_that_leads_to_a_private_address(site: Site) -> None:
    for addresses in (["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], ["not an address"]):
        async with client(Resolver(site=[addresses])) as http:
            with pytest.raises(
                ForbiddenUrlError, match=r"site\.example leads to an address that is not public"
            ):
                await http.request("GET", site.url("/", scheme="https"))
    assert site.asked == []


async def test_client_connects_to_the_address_that_was_checked_and_not_to_a_later_one(
    site: Site, certificates: Any
) -> None:
    """A name that answers with a public address when it is checked and a private one when it is used."""
    resolver = Resolver(site=[[PUBLIC], ["127.0.0.1"]])
    async with tls_site(site, certificates, "site.example") as (port, tls), client(resolver, tls=tls) as http:
        url = f"https://site.example:{port}/x"
        assert (await http.request("GET", url)).status == 200
        assert resolver.asked == 1
        # The open connection is used again; only a new one would resolve anew, and be refused.
        await http.request("GET", url)
    async with client(resolver, tls=tls) as http:
        with pytest.raises(ForbiddenUrlError):
            await http.request("GET", url)
    assert {host for host, *_ in site.asked} == {PUBLIC}


async def test_client_verifies_the_certificate(site: Site, certificates: Any) -> None:
    async with tls_site(site, certificates, "other.example") as (port, tls), client(tls=tls) as http:
        with pytest.raises(HttpFailure, match=r"site\.example cannot be reached") as caught:
            await http.request("GET", f"https://site.example:{port}/")
    assert not caught.value.sent


def tls_site(site: Site, certificates: Any, name: str) -> Any:
    """Run the site with TLS as `name` on both addresses: an async context of (port, the client's context)."""
    import ssl
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def run() -> AsyncIterator[tuple[int, ssl.SSLContext]]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates.issue(name))
        runner = web.AppRunner(_application(site), shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, PUBLIC, 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        try:
            yield port, ssl.create_default_context(cafile=str(certificates.ca_file))
        finally:
            await runner.cleanup()

    return run()


async def test_client_follows_redirects_and_keeps_the_method(site: Site) -> None:
    async with client(None, "site.example") as http:
        await http.request("POST", site.url("/to/307?target=/x"), body=b"hello")
        await http.request("GET", site.url("/to/302?target=/y"))
    assert [asked[1:] for asked in site.asked] == [
        ("POST", "/to/307", b"hello"),
        ("POST", "/x", b"hello"),
        ("GET", "/to/302", b""),
        ("GET", "/y", b""),
    ]


@pytest.mark.parametrize(
    "target",
    [
        METADATA,
        "https://169.254.169.254/",
        "http://2852039166/",
        "//[::ffff:169.254.169.254]/",
        "file:///etc/passwd",
        "http://other.example/",
        "https://user@other.example/",
    ],
)
async def test_client_does_not_follow_a_redirect_to_where_it_must_not_ask(site: Site, target: str) -> None:
    async with client(None, "site.example") as http:
        with pytest.raises(
            ForbiddenUrlError, match=r"site\.example redirects to an address that is not asked"
        ):
            await http.request("POST", site.url(f"/to/307?target={target}"))


async def test_client_does_not_follow_a_redirect_to_a_name_that_leads_to_a_private_address(
    site: Site,
) -> None:
    resolver = Resolver(site=[[PUBLIC]], inside=[["127.0.0.1"]])
    async with client(resolver, "site.example") as http:
        with pytest.raises(ForbiddenUrlError, match=r"inside\.example leads to"):
            await http.request("GET", site.url(f"/to/302?target=https://inside.example:{site.port}/"))
    assert len(site.asked) == 1


async def test_client_does_not_turn_a_post_into_a_get(site: Site) -> None:
    async with client(None, "site.example") as http:
        answer = await http.request("POST", site.url("/to/303?target=/x"))
    assert (answer.status, len(site.asked)) == (303, 1)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/loop", "redirects more than 3 times"),
        ("/flood", "answered more than 1000 bytes"),
        ("/hang", "did not answer within 0.5 s"),
    ],
)
async def test_client_gives_up_on_a_server_that_goes_on_and_on(site: Site, path: str, reason: str) -> None:
    timeout_s = 0.5 if path == "/hang" else 30
    async with client(None, "site.example", timeout_s=timeout_s, max_bytes=1000) as http:
        with pytest.raises(HttpFailure, match=reason) as caught:
            await http.request("GET", site.url(path))
    assert caught.value.sent


async def test_client_does_not_unpack_what_it_did_not_ask_to_have_packed(site: Site) -> None:
    async with client(None, "site.example") as http:
        assert (await http.request("GET", site.url("/packed"))).body.startswith(b"\x1f\x8b")


async def test_client_keeps_no_cookies_and_uses_no_proxy_of_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    async with client(None, "site.example") as http:
        await http.request("GET", site.url("/a"))
        answer = await http.request("GET", site.url("/b"))
    assert answer.status == 200


@pytest.mark.parametrize(
    "said",
    [b"", b"hello\r\n", b"HTTP/1.1 9999 what\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"],
)
async def test_client_says_so_when_the_answer_is_not_http(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, PUBLIC, 0)
    port = server.sockets[0].getsockname()[1]
    async with client(None, "site.example") as http:
        with pytest.raises(HttpFailure, match=r"site\.example did not answer in HTTP") as caught:
            await http.request("POST", f"http://site.example:{port}/s3cret")
    server.close()
    assert caught.value.sent
    assert "s3cret" not in str(caught.value)


async def test_client_says_that_nothing_was_sent_where_nobody_listens(free_port: int) -> None:
    async with client(None, "site.example") as http:
        with pytest.raises(HttpFailure, match=r"site\.example cannot be reached") as caught:
            await http.request("POST", f"http://site.example:{free_port}/s3cret")
    assert not caught.value.sent
    assert "s3cret" not in str(caught.value)


async def test_client_of_the_system_resolver_refuses_this_machine(free_port: int) -> None:
    async with GuardedHttp() as http:
        with pytest.raises(ForbiddenUrlError, match="localhost leads to an address that is not public"):
            await http.request("GET", f"https://localhost:{free_port}/")
