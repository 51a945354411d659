"""The display's HTTP server: the page, the pictures as MJPEG, and the figures."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from edge.display.access import COOKIE, Access, token_in
from edge.metrics import CONTENT_TYPE, write_metrics
from hub.errors import ConfigError

if TYPE_CHECKING:
    from edge.display.screen import Screen
    from edge.health import Health

PATIENCE_S = 10.0  # for a client that neither asks nor reads
AGAIN_S = 5.0  # a picture is sent again after it, which finds out whether the client is still there
CLIENTS = 16
SEND_BYTES = 2**18  # a slow client sees pictures this much old at most
BOUNDARY = "lenshub-frame"
FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.svg": ("page.svg", "image/svg+xml"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
SAFETY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class DisplayServer(ThreadingHTTPServer):
    """Answers each client in a thread of its own, at most `CLIENTS` at a time; more are turned away.

    Args:
        address: Host and port; port 0 takes a free one.
        screens: What is shown of each camera, by its name; the first is shown where none is asked for.
        measure: Gives the agent's figures.
        device: The device's name, for the page.
        model: The models' names and versions, for the page.
        access: Who may look.
        height: Of the pictures, in pixels.
        fps: How many pictures a second a client gets at most.

    Raises:
        OSError: The address cannot be listened on.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: tuple[str, int],
        screens: Mapping[str, Screen],
        measure: Callable[[], Health],
        *,
        device: str,
        model: str,
        access: Access,
        height: int,
        fps: float,
    ) -> None:
        self.screens, self.measure, self.access = screens, measure, access
        self.device, self.model = device, model
        self.height, self.fps = height, fps
        self._room = threading.BoundedSemaphore(CLIENTS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Request)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a new thread, if there is room for one more."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that went away go without a word."""


@contextmanager
def serving(server: DisplayServer) -> Iterator[None]:
    """Have a server answer in the background within a `with` block."""
    thread = threading.Thread(target=server.serve_forever, name="display", daemon=True, args=(0.1,))
    thread.start()
    try:
        yield
    finally:
        for screen in server.screens.values():
            screen.close()
        server.shutdown()
        thread.join()
        server.server_close()


def open_server(address: tuple[str, int], *arguments: Any, **settings: Any) -> DisplayServer:
    """Return a `DisplayServer`.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    try:
        return DisplayServer(address, *arguments, **settings)
    except OSError as error:
        where = f"{address[0]}:{address[1]}"
        raise ConfigError(f"display.listen: {where}: {error.strerror} (set another port)") from error


class _Request(BaseHTTPRequestHandler):
    """One request of one client."""

    server: DisplayServer
    server_version, sys_version = "lenshub-edge", ""
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        """Answer what is asked for."""
        access, path = self.server.access, self.path.partition("?")[0]
        if access.token is not None and access.knows(token_in(self.path)):
            self._let_in(path)
        elif not access.allows(self.headers):  # type: ignore[arg-type]
            self._answer(b"not without the token, or by this name\n", "text/plain", HTTPStatus.FORBIDDEN)
        elif path in FILES:
            name, kind = FILES[path]
            self._answer(Path(__file__).with_name(name).read_bytes(), kind)
        elif (answer := self._ANSWERS.get(path)) is not None:
            answer(self)
        elif (send := self._PICTURES.get(path)) is not None:
            self._show(send)
        else:
            self._answer(b"there is nothing here\n", "text/plain", HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: requests come often, and their lines may hold the token."""

    def _let_in(self, path: str) -> None:
        """Take the token out of the address bar, into a cookie."""
        cookie = f"{COOKIE}={self.server.access.token}; HttpOnly; SameSite=Strict; Path=/"
        place = "/" + path.lstrip("/")  # with two slashes it would lead to another host
        self._answer(b"", "text/plain", HTTPStatus.SEE_OTHER, {"Location": place, "Set-Cookie": cookie})

    def _answer(
        self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        members = {**SAFETY, "Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
        for name, value in members.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _tell_health(self) -> None:
        health = self.server.measure().model_dump(exclude_none=True)
        body = json.dumps({"device": self.server.device, "model": self.server.model, **health}).encode()
        self._answer(body, "application/json")

    def _tell_metrics(self) -> None:
        self._answer(write_metrics(self.server.measure()).encode(), CONTENT_TYPE)

    def _show(self, send: Callable[[_Request, Screen], None]) -> None:
        """Send what is on the screen of the camera that is asked for; without a name the first one's."""
        asked = parse_qs(self.path.partition("?")[2]).get("camera")
        screens = self.server.screens
        screen = screens.get(asked[0]) if asked else next(iter(screens.values()))
        if screen is None:
            known = ", ".join(filter(None, screens)) or "none has a name"
            self._answer(f"no such camera (known: {known})\n".encode(), "text/plain", HTTPStatus.NOT_FOUND)
        else:
            send(self, screen)

    def _send_picture(self, screen: Screen) -> None:
        drawn = screen.draw(self.server.height)
        if drawn is None:
            self._answer(b"no picture yet\n", "text/plain", HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._answer(drawn[1], "image/jpeg")

    def _send_stream(self, screen: Screen) -> None:
        """Send pictures until the client goes, or does not read for a while."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        self.send_response(HTTPStatus.OK)
        for name, value in SAFETY.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        self.wfile.write(f"--{BOUNDARY}\r\n".encode())
        for jpeg in self._pictures(screen):
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + f"\r\n--{BOUNDARY}\r\n".encode())

    def _pictures(self, screen: Screen) -> Iterator[bytes]:
        seen = 0
        while not screen.closed:
            began = time.monotonic()
            screen.wait(seen, AGAIN_S)
            drawn = screen.draw(self.server.height)
            if drawn is not None:
                seen, jpeg = drawn
                yield jpeg
            time.sleep(max(0.0, began + 1 / self.server.fps - time.monotonic()))

    _ANSWERS: dict[str, Callable[[_Request], None]] = {  # noqa: RUF012 - never changed
        "/health.json": _tell_health,
        "/metrics": _tell_metrics,
    }
    _PICTURES: dict[str, Callable[[_Request, Screen], None]] = {  # noqa: RUF012 - never changed
        "/frame.jpg": _send_picture,
        "/stream.mjpeg": _send_stream,
    }
