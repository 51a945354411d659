"""Which kind of source a setting names, and how it may be shown."""

from __future__ import annotations

import pytest

from edge.source import is_camera, is_live, is_stream, name_source


@pytest.mark.parametrize("source", ["rtsp://cam/1", "RTSP://cam/1", "http://cam/video", "https://cam/v"])
def test_source_is_a_stream_when_it_is_a_url(source):
    assert is_stream(source)
    assert is_live(source)


@pytest.mark.parametrize("source", ["0", "17", "/dev/video3"])
def test_source_is_a_camera_when_it_is_a_number_or_a_device(source):
    assert is_camera(source)
    assert is_live(source)


@pytest.mark.parametrize("source", ["clip.webm", "pictures/", "http", "/srv/rtsp/clip.avi"])
def test_source_is_played_when_it_is_a_path(source):
    assert not is_live(source)


def test_source_is_shown_without_what_may_be_secret():
    shown = name_source("rtsp://user:secret-word@cam.local:554/stream?token=secret-word")
    assert shown == "rtsp://cam.local:554/stream"
    assert name_source("/dev/video0") == "/dev/video0"
