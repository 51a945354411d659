"""Cameras and streams as sources: what gives nothing is reported once, and asked again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge.camera
from edge.camera import watch, watch_stream
from edge.outage import Outage
from hub.draw.picture import encode_jpeg

LOG = logging.getLogger("edge.camera")
PICTURES_A_CONNECTION = 12


class Sender(BaseHTTPRequestHandler):
    """A network camera that speaks MJPEG over HTTP, and hangs up after some pictures."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        jpeg = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        for _ in range(PICTURES_A_CONNECTION):
            self.wfile.write(head + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def stream(monkeypatch) -> Iterator[str]:
    """The address of a network camera."""
    monkeypatch.setattr(edge.camera, "RETRY_S", 0.05)
    with ThreadingHTTPServer(("127.0.0.1", 0), Sender) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/video.mjpeg"
        server.shutdown()


def test_stream_is_opened_again_and_its_numbers_go_on_when_it_was_lost(stream):
    stopped, told, numbers = threading.Event(), [], []
    for shot in watch_stream(stream, 1, stopped, Outage(LOG, "camera", told.append)):
        numbers.append(shot.number)
        if len(numbers) == 2 * PICTURES_A_CONNECTION:
            stopped.set()
    assert numbers == list(range(2 * PICTURES_A_CONNECTION))
    assert shot.pixels.shape == (48, 64, 3)
    assert [bool(text) for text in told[:2]] == [True, False]


def test_stream_gives_each_nth_frame_when_only_those_are_wanted(stream):
    stopped, numbers = threading.Event(), []
    for shot in watch_stream(stream, 5, stopped, Outage(LOG, "camera")):
        numbers.append(shot.number)
        if len(numbers) == 3:
            stopped.set()
    assert numbers == [0, 5, 10]


def test_stream_that_nobody_sends_is_reported_once_without_its_password(free_port, caplog, monkeypatch):
    monkeypatch.setattr(edge.camera, "RETRY_S", 0.05)
    stopped, tries = threading.Event(), []
    real = cv2.VideoCapture

    def connect(*arguments: object) -> object:
        tries.append(arguments)
        if len(tries) == 3:
            stopped.set()
        return real(*arguments)

    monkeypatch.setattr(edge.camera.cv2, "VideoCapture", connect)
    url = f"http://user:secret-word@127.0.0.1:{free_port}/"
    assert list(watch_stream(url, 1, stopped, Outage(LOG, "camera"))) == []
    assert caplog.text.count("it gives no frames") == 1
    assert "secret-word" not in caplog.text


def test_camera_says_what_to_do_once_when_there_is_none(caplog):
    stopped, told = threading.Event(), []

    def tell(text: str) -> None:
        told.append(text)
        stopped.set()

    trouble = Outage(LOG, "camera /dev/video99", tell)
    assert list(watch(Path("/dev/video99"), 1, stopped, trouble)) == []
    assert "there is no such camera (known:" in caplog.text
    assert len(told) == 1
