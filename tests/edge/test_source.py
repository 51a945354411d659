"""Which kind of source a setting names, and how it may be shown."""

from __future__ import annotations

import logging
import threading

import cv2
import numpy as np
import pytest

import edge.picture_file
from edge.config import CameraTable
from edge.outage import Outage
from edge.picture_file import size_fault
from edge.source import is_camera, is_live, is_stream, name_source, open_source


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


def test_source_leaves_out_frames_of_no_size_with_one_line(tmp_path, monkeypatch, caplog):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    monkeypatch.setattr(edge.picture_file, "MAX_SIDE", 60)
    passed = []
    camera = CameraTable(source=str(path), pace=False)
    outage = Outage(logging.getLogger("edge.camera"), "camera")
    assert list(open_source(camera, threading.Event(), outage, lambda: passed.append(1))) == []
    assert len(passed) == 5
    assert caplog.text.count("a frame has 64 x 48 pixels") == 1


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 5), (70_000, 1), (10_000, 10_000)])
def test_size_is_at_fault_when_it_is_none_or_too_large(width, height):
    assert "at most" in (size_fault(width, height) or "")
    assert size_fault(1, 1) is None


def test_source_is_shown_without_what_may_be_secret():
    shown = name_source("rtsp://user:secret-word@cam.local:554/stream?token=secret-word")
    assert shown == "rtsp://cam.local:554/stream"
    assert name_source("/dev/video0") == "/dev/video0"
