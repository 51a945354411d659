"""The FIFO: whole pictures for whoever reads, and nobody waits for a reader."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.display.fifo import feeding, make_fifo
from hub.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.mjpeg"


def read_pictures(path: Path, count: int) -> list[np.ndarray]:
    """Read so many whole JPEGs from the FIFO."""
    data = b""
    with path.open("rb", buffering=0) as fifo:
        while data.count(b"\xff\xd8\xff") <= count:  # the next one begins when one has ended
            data += fifo.read(65536)
    starts = [b"\xff\xd8\xff" + rest for rest in data.split(b"\xff\xd8\xff")[1:]]
    assert all(jpeg.endswith(b"\xff\xd9") for jpeg in starts[:count])
    return [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in starts[:count]]


def is_fed(path: Path) -> bool:
    """Return whether the FIFO is open in this process, for writing if nobody here reads it."""
    return any(os.path.realpath(number) == str(path) for number in Path("/proc/self/fd").iterdir())


async def test_fifo_gives_whole_pictures_to_one_reader_after_the_other(path, screen, finding, wait_until):
    stopped = threading.Event()

    def play() -> None:
        while not stopped.wait(0.01):
            screen.show(finding(2))

    player = threading.Thread(target=play)
    with feeding(path, screen, height=720, fps=50):
        player.start()
        for _ in range(2):
            assert {picture.shape for picture in read_pictures(path, 3)} == {(720, 1280, 3)}
            await wait_until(lambda: not is_fed(path), 60)  # or the next reader gets the rest of a picture
        stopped.set()
        player.join()


def test_fifo_makes_nobody_wait_when_its_reader_does_not_read(path, screen, finding):
    with feeding(path, screen, height=1080, fps=50):
        reader = os.open(path, os.O_RDONLY)
        for number in range(20):
            screen.show(finding(number))
        assert screen.wait(0, 0) == 21
        os.close(reader)


def test_fifo_is_for_its_owner_only_when_it_is_made(path):
    make_fifo(path)
    make_fifo(path)
    assert stat.filemode(path.stat().st_mode) == "prw-------"


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_fifo_is_refused_in_one_line_when_something_else_has_its_name(path, kind, tmp_path):
    if kind == "file":
        path.write_text("mine")
    elif kind == "link":
        os.mkfifo(tmp_path / "other")
        path.symlink_to(tmp_path / "other")
    else:
        path.mkdir()
    with pytest.raises(ConfigError, match=r"display\.fifo: .* is no FIFO"):
        make_fifo(path)


async def test_fifo_is_left_alone_while_a_file_is_in_its_place_and_used_again_after(
    path, screen, finding, wait_until
):
    with feeding(path, screen, height=480, fps=50):
        path.unlink()
        path.write_text("mine")
        with pytest.raises(TimeoutError):
            await wait_until(lambda: path.read_text() != "mine", timeout_s=1)
        path.unlink()
        make_fifo(path)
        screen.show(finding(2))
        assert read_first_bytes(path) == b"\xff\xd8\xff"


def read_first_bytes(path: Path) -> bytes:
    with path.open("rb", buffering=0) as fifo:
        return fifo.read(3)
