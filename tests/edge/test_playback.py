"""Video files and folders of pictures as sources."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge.demo
from edge.playback import play
from edge.shot import CameraError

CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")


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


class Pauses(threading.Event):
    """Keeps for how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked_s.append(timeout or 0.0)
        return super().wait(timeout)


def test_play_keeps_the_pace_when_told(video):
    stopped, began = Pauses(), time.monotonic()
    assert len(list(play(video, 2, 1, stopped, pace=True))) == 12
    assert time.monotonic() - began >= 0.18
    assert max(stopped.asked_s) <= 0.021  # a frame's time at 50 a second


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


def test_play_counts_what_it_passes_over_and_tells_it_once_when_it_repeats(tmp_path, caplog):
    for name in ("a.jpg", "f.jpg"):
        cv2.imwrite(str(tmp_path / name), np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:100])
    (tmp_path / "c.jpg").mkdir()
    (tmp_path / "d.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "e.txt").write_text("another file")
    passed = []
    played = play(tmp_path, 3, 1, threading.Event(), pace=False, pass_over=lambda: passed.append(1))
    assert [(shot.run, shot.number) for shot in played] == [(r, n) for r in (1, 2, 3) for n in (0, 4)]
    assert len(passed) == 9
    assert [record.getMessage().split(": left out: ")[0][-5:] for record in caplog.records] == [
        "b.jpg",
        "c.jpg",
        "d.jpg",
    ]
    assert "cannot be read: No such file" in caplog.text


@pytest.mark.parametrize("damage", ["cut short", "zeros in the middle"])
def test_play_gives_what_can_be_read_of_a_damaged_video(tmp_path, damage, caplog):
    data = bytearray(CLIP.read_bytes())
    if damage == "cut short":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    (tmp_path / "clip.webm").write_bytes(data)
    passed = []
    played = list(
        play(tmp_path / "clip.webm", 1, 1, threading.Event(), pace=False, pass_over=lambda: passed.append(1))
    )
    assert 20 < len(played) < 108
    assert len(passed) == 1
    assert caplog.text.count("frames (cut short or damaged?)") == 1


def test_play_is_silent_about_a_whole_video(caplog):
    assert len(shots(CLIP)) == 120
    assert caplog.text == ""
