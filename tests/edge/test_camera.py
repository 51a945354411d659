"""Cameras and streams as sources: what gives nothing is reported once, and asked again."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import cv2

import edge.camera
from edge.camera import watch, watch_stream
from edge.outage import Outage

LOG = logging.getLogger("edge.camera")


def test_stream_is_opened_again_and_its_numbers_go_on_when_it_was_lost(network_camera):
    stopped, told, numbers = threading.Event(), [], []
    for shot in watch_stream(network_camera.url, 1, stopped, Outage(LOG, "camera", told.append)):
        numbers.append(shot.number)
        if len(numbers) == 2 * network_camera.pictures:
            stopped.set()
    assert numbers == list(range(2 * network_camera.pictures))
    assert shot.pixels.shape == (48, 64, 3)
    assert [bool(text) for text in told[:2]] == [True, False]


def test_stream_gives_each_nth_frame_when_only_those_are_wanted(network_camera):
    stopped, numbers = threading.Event(), []
    for shot in watch_stream(network_camera.url, 5, stopped, Outage(LOG, "camera")):
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
