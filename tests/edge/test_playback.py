"""Video files and folders of pictures as sources."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.playback import play
from edge.shot import CameraError


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Six frames at 50 per second, each its own grey."""
    path = tmp_path / "six.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50, (64, 36))
    for number in range(6):
        writer.write(np.full((36, 64, 3), 40 * number, np.uint8))
    writer.release()
    return path


def shots(path: Path, passes: int = 1, every: int = 1) -> list[tuple[int, int]]:
    return [(shot.run, shot.number) for shot in play(path, passes, every, threading.Event(), pace=False)]


def test_play_gives_every_frame_when_it_reads_a_video(video):
    played = list(play(video, 1, 1, threading.Event(), pace=False))
    assert [shot.number for shot in played] == [0, 1, 2, 3, 4, 5]
    assert [round(float(shot.pixels.mean()), -1) for shot in played] == [0, 40, 80, 120, 160, 200]


def test_play_counts_passes_when_it_repeats(video):
    assert shots(video, passes=2) == [(run, number) for run in (1, 2) for number in range(6)]


def test_play_goes_on_without_end_when_passes_is_zero(video):
    endless = play(video, 0, 1, threading.Event(), pace=False)
    assert next(itertools.islice(endless, 100, None)).run == 17


def test_play_takes_each_nth_frame_when_told(video):
    assert shots(video, every=4) == [(1, 0), (1, 4)]


def test_play_keeps_the_pace_when_told(video):
    began = time.monotonic()
    assert len(list(play(video, 2, 1, threading.Event(), pace=True))) == 12
    assert 0.18 <= time.monotonic() - began < 2


def test_play_ends_when_it_is_stopped(video):
    stopped = threading.Event()
    playing = play(video, 0, 1, stopped, pace=True)
    next(playing)
    stopped.set()
    assert list(playing) == []


def test_play_gives_pictures_by_name_when_it_reads_a_folder(tmp_path, caplog):
    for name in ("b.png", "a.jpg", "d.PNG"):
        cv2.imwrite(str(tmp_path / name), np.full((20, 30, 3), ord(name[0]), np.uint8))
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    played = list(play(tmp_path, 1, 1, threading.Event(), pace=False))
    assert [(shot.number, round(float(shot.pixels.mean()))) for shot in played] == [
        (0, 97),
        (1, 98),
        (3, 100),
    ]
    assert "c.jpg: left out" in caplog.text


@pytest.mark.parametrize("kind", ["missing", "empty folder", "no video"])
def test_play_is_refused_in_one_line_when_there_is_nothing_to_play(tmp_path, kind):
    path = tmp_path if kind == "empty folder" else tmp_path / "clip.avi"
    if kind == "no video":
        path.write_bytes(b"nothing that moves")
    with pytest.raises(CameraError, match=r"no such file|no frame can be read"):
        shots(path, passes=0)
