"""The display's server over real HTTP: what it shows, to whom, and that nobody can hold it up."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse

import pytest

from edge.display.access import Access
from edge.display.screen import Screen
from edge.display.server import CLIENTS, DisplayServer, open_server, serving
from edge.health import Health
from hub.draw.picture import decode_picture
from hub.errors import ConfigError

TOKEN = "a-token-of-some-length"
FIGURES = Health(fps=1.0, frames=5, events=2, withheld=0, dropped=0, spool_records=0, spool_bytes=0)
Serve = Callable[..., int]


@pytest.fixture
def screens(screen, finding) -> dict[str, Screen]:
    """Two cameras; the second's pictures are others."""
    yard = Screen()
    yard.show(finding(7))
    return {"door": screen, "yard": yard, "late": Screen()}


@pytest.fixture
def serve(screens, monkeypatch) -> Iterator[Serve]:
    """A function that starts a server and returns its port; the server is patient with slow clients."""
    monkeypatch.setattr("edge.display.server._Request.timeout", 60)
    monkeypatch.setattr("edge.display.server.AGAIN_S", 60)
    with ExitStack() as stack:

        def start(token: str | None = None) -> int:
            settings = {
                "device": "cam-1",
                "model": "cups 3",
                "access": Access(token),
                "height": 480,
                "fps": 30.0,
            }
            server = DisplayServer(("127.0.0.1", 0), screens, lambda: FIGURES, **settings)
            stack.enter_context(serving(server))
            return int(server.server_address[1])

        yield start


def ask(port: int, target: str, **headers: str) -> HTTPResponse:
    """Ask for a target; of the answer the body is read, unless it is a stream."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    if not target.startswith("/stream.mjpeg"):
        answer.body = answer.read()  # type: ignore[attr-defined]
        connection.close()
    return answer


@pytest.mark.parametrize(
    ("target", "kind", "part"),
    [
        ("/", "text/html", b"stream.mjpeg"),
        ("/page.css", "text/css", b"grid"),
        ("/page.js", "text/javascript", b"fetch"),
        ("/page.svg", "image/svg+xml", b"<svg"),
        ("/health.json", "application/json", b'"device": "cam-1", "model": "cups 3"'),
        ("/metrics", "text/plain", b"lenshub_edge_frames_total 5"),
        ("/frame.jpg", "image/jpeg", b"JFIF"),
    ],
)
def test_server_shows_what_is_asked_for(serve, target, kind, part):
    answer = ask(serve(), target)
    assert (answer.status, answer.headers.get_content_type()) == (200, kind)
    assert part in answer.body
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_server_shows_the_camera_that_is_asked_for_and_the_first_when_none_is(serve):
    port = serve()
    pictures = [ask(port, f"/frame.jpg{query}").body for query in ("", "?camera=door", "?camera=yard&at=1")]
    assert pictures[0] == pictures[1] != pictures[2]
    with closing(ask(port, "/stream.mjpeg?camera=yard")) as stream:
        assert read_picture(stream) == pictures[2]


@pytest.mark.parametrize(("camera", "status"), [("late", 503), ("garden", 404), ("%00", 404)])
def test_server_says_so_when_there_is_no_picture_of_a_camera(serve, camera, status):
    answer = ask(serve(), f"/frame.jpg?camera={camera}")
    assert answer.status == status
    assert status == 503 or b"known: door, yard, late" in answer.body


def read_picture(answer: HTTPResponse) -> bytes:
    """Read the next picture of a stream."""
    while not (line := answer.readline()).lower().startswith(b"content-length:"):
        assert line, "the stream has ended"
    answer.readline()
    return answer.read(int(line.split(b":")[1]))


def test_server_streams_each_newer_picture(serve, screen, finding):
    answer = ask(serve(), "/stream.mjpeg")
    pictures = [read_picture(answer)]
    for number in (2, 3):
        screen.show(finding(number))
        pictures.append(read_picture(answer))
    assert len(set(pictures)) == 3
    assert decode_picture(pictures[-1]).shape == (480, 853, 3)
    answer.close()


def test_server_knows_no_other_target(serve):
    assert ask(serve(), "/../../etc/passwd").status == 404


@pytest.mark.parametrize("host", ["camera.example", "camera.example:80", "[::", ""])
def test_server_refuses_a_name_that_is_not_the_loopbacks_when_it_has_no_token(serve, host):
    assert ask(serve(), "/frame.jpg", Host=host).status == 403


@pytest.mark.parametrize(
    "target", ["/", "/stream.mjpeg", "/frame.jpg", "/metrics", "/?token=wrong", "/?token="]
)
def test_server_refuses_who_does_not_know_the_token(serve, target):
    assert ask(serve(TOKEN), target, Authorization="Bearer wrong", Cookie="lenshub-edge=é").status == 403


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"a=b; lenshub-edge={TOKEN}"}]
)
def test_server_lets_in_who_knows_the_token(serve, headers):
    assert ask(serve(TOKEN), "/frame.jpg", Host="camera.example", **headers).status == 200


def test_server_moves_the_token_from_the_address_into_a_cookie(serve):
    answer = ask(serve(TOKEN), f"//evil.example/?token={TOKEN}")
    assert (answer.status, answer.headers["Location"]) == (303, "/evil.example/")
    assert answer.headers["Set-Cookie"].startswith(f"lenshub-edge={TOKEN}; HttpOnly; SameSite=Strict")


def test_server_never_tells_the_token(serve, capfd, caplog):
    ask(serve(TOKEN), f"/?token={TOKEN}")
    assert TOKEN not in repr(Access(TOKEN)) + "".join(capfd.readouterr()) + caplog.text


def test_server_turns_away_more_clients_than_it_has_room_for(serve):
    port = serve()
    with ExitStack() as stack:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(CLIENTS)]
        for client in silent:
            stack.enter_context(closing(client))
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            ask(port, "/")


def test_server_is_refused_in_one_line_when_its_port_is_in_use(serve, screen):
    settings = {"device": "cam-1", "model": "cups 3", "access": Access(), "height": 480, "fps": 1.0}
    with pytest.raises(ConfigError, match=r"display\.listen: 127\.0\.0\.1:\d+: .*in use"):
        open_server(("127.0.0.1", serve()), {"": screen}, lambda: FIGURES, **settings)
