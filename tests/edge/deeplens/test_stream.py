"""Frames as functions get them: newest first, at the device's size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from edge.deeplens.stream import DEVICE_SIZE, Stream, fit_frame
from edge.shot import CameraError, Shot


def shots(count: int) -> Iterator[Shot]:
    for number in range(count):
        yield Shot(np.full((90, 160, 3), 200, np.uint8), datetime.now(UTC), number)
    raise CameraError("unplugged")


@pytest.mark.parametrize("shape", [(1, 1), (9000, 3), (90, 160), (1520, 2688)])
def test_frames_have_the_size_asked_for_whatever_the_camera_gives(shape):
    frame = fit_frame(np.full((*shape, 3), 9, np.uint8), DEVICE_SIZE)
    assert (frame.shape, frame.dtype) == ((1520, 2688, 3), np.uint8)


def test_frame_of_another_aspect_ratio_gets_black_bars():
    frame = fit_frame(np.full((100, 100, 3), 255, np.uint8), (200, 100))
    assert (frame[:, :50].max(), frame[:, 50:150].min(), frame[:, 150:].max()) == (0, 255, 0)


def test_stream_gives_no_frame_and_says_why_when_the_camera_ends():
    told: list[str] = []
    stream = Stream(lambda: shots(0), (320, 180), lambda *said: told.append(" ".join(said)))
    assert stream.take() == (False, None)
    assert told == ["trouble camera: unplugged"]


def test_stream_counts_the_frames_it_gives():
    told: list[str] = []
    given, frame = Stream(lambda: shots(1), (320, 180), lambda kind, *_: told.append(kind)).take()
    assert (given, frame.shape) == (True, (180, 320, 3))
    assert "frame" in told
