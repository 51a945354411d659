"""Cameras and streams as sources: what gives nothing is reported once, and asked again."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import edge.camera
import edge.knock
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


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_stream_that_nobody_sends_is_reported_once_without_its_password(
    scheme, fickle_port, caplog, capfd, monkeypatch
):
    monkeypatch.setattr(edge.camera, "RETRY_S", 0.05)
    port, met = fickle_port
    stopped = threading.Event()
    met.append(lambda count: stopped.set() if count >= 6 else None)
    url = f"{scheme}://user:secret-word@127.0.0.1:{port}/?key=secret-word"
    assert list(watch_stream(url, 1, stopped, Outage(LOG, "camera"))) == []
    assert caplog.text.count("it gives no frames") == 1
    assert "secret-word" not in caplog.text + "".join(capfd.readouterr())


def test_stream_is_reported_when_nobody_listens(free_port, caplog):
    assert told_first(f"rtsp://127.0.0.1:{free_port}/1") == "camera: it cannot be reached: Connection refused"


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_stream_is_reported_when_its_server_accepts_and_says_nothing(scheme, silent_port, monkeypatch):
    monkeypatch.setattr(edge.knock, "KNOCK_S", 0.5)
    told = told_first(f"{scheme}://127.0.0.1:{silent_port}/1")
    assert told == "camera: it does not answer within 0.5 s"


def told_first(url: str) -> str:
    """Watch a stream until the first trouble, and return what is told of it."""
    stopped, told = threading.Event(), []

    def tell(text: str) -> None:
        told.append(text)
        stopped.set()

    assert list(watch_stream(url, 1, stopped, Outage(LOG, "camera", tell))) == []
    return told[0].removesuffix("; trying again")


def test_stream_that_says_nothing_is_left_soon_when_it_is_stopped(silent_port, monkeypatch):
    monkeypatch.setattr(edge.knock, "KNOCK_S", 3600)
    stopped = threading.Event()
    threading.Timer(0.5, stopped.set).start()
    assert list(watch_stream(f"rtsp://127.0.0.1:{silent_port}/1", 1, stopped, Outage(LOG, "camera"))) == []


def test_stream_is_given_up_when_it_stalls_and_old_frames_are_left_in_the_decoder(rtsp_camera, monkeypatch):
    monkeypatch.setattr(edge.camera, "STREAM_TIMEOUT_MS", 1500)
    monkeypatch.setattr(edge.knock, "KNOCK_S", 60)
    stopped, told = threading.Event(), []

    def tell(text: str) -> None:
        told.append(text)
        stopped.set()

    for shot in watch_stream(rtsp_camera.url, 1, stopped, Outage(LOG, "camera", tell)):
        if shot.number == 20:
            rtsp_camera.pause()
    assert "it gives no frames" in told[0]


def test_stream_over_rtsp_goes_on_when_its_server_went_and_is_back(rtsp_camera, monkeypatch):
    monkeypatch.setattr(edge.camera, "RETRY_S", 0.1)
    stopped, told, numbers = threading.Event(), [], []

    def tell(text: str) -> None:
        told.append(text)
        if text:
            rtsp_camera.start()

    for shot in watch_stream(rtsp_camera.url, 1, stopped, Outage(LOG, "camera", tell)):
        numbers.append(shot.number)
        assert shot.pixels.shape == (48, 64, 3)
        if shot.number == 10 and not told:
            rtsp_camera.kill()
        if len(told) >= 2 and told[-1] == "" and len(numbers) >= 60:
            stopped.set()
    assert numbers == list(range(len(numbers)))
    assert told[1] == ""


def test_camera_says_what_to_do_when_it_may_not_be_opened(tmp_path):
    (tmp_path / "video0").touch(0o000)
    tmp_path.chmod(0o755)
    program = (
        "import os; from pathlib import Path; from edge.camera import _explain\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "print(_explain(Path('video0')))"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "group video" in said.stdout


def test_camera_says_what_to_do_when_it_gives_no_frames():
    assert "in use by another program?" in edge.camera._explain(Path("/dev/null"))


def test_camera_says_what_to_do_once_when_there_is_none(caplog):
    stopped, told = threading.Event(), []

    def tell(text: str) -> None:
        told.append(text)
        stopped.set()

    trouble = Outage(LOG, "camera /dev/video99", tell)
    assert list(watch(Path("/dev/video99"), 1, stopped, trouble)) == []
    assert "there is no such camera (known:" in caplog.text
    assert len(told) == 1
