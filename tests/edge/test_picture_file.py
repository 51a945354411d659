"""Picture files of every kind, honest and not: what is read, and what is refused before it is decoded."""

from __future__ import annotations

import os
import resource
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.picture_file import MAX_BYTES, picture_size, read_picture
from hub.draw.picture import PictureError

BLUE = (200, 40, 10)


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """Return a grey PNG whose header says so much, and whose rows are these."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 10_000), (10_000, 3), (321, 123)])
def test_picture_is_read_with_its_size_when_its_shape_is_odd(tmp_path, suffix, width, height):
    path = tmp_path / f"picture{suffix}"
    cv2.imwrite(str(path), np.full((height, width, 3), BLUE, np.uint8))
    assert picture_size(path.read_bytes()) == (width, height)
    assert read_picture(path).shape == (height, width, 3)


@pytest.mark.parametrize("quality", [50, 101], ids=["lossy", "lossless"])
@pytest.mark.parametrize("channels", [3, 4])
def test_picture_size_is_that_of_the_canvas_when_it_is_webp(quality, channels):
    pixels = np.full((77, 200, channels), 90, np.uint8)
    pixels[:30, :30] = 17
    data = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
    assert picture_size(data) == (200, 77)


@pytest.mark.parametrize(
    ("pixels", "colour"),
    [
        (np.full((8, 8), 77, np.uint8), (77, 77, 77)),
        (np.full((8, 8, 4), (*BLUE, 128), np.uint8), BLUE),
        (np.full((8, 8, 3), [value * 257 for value in BLUE], np.uint16), BLUE),
        (np.full((8, 8), 77 * 257, np.uint16), (77, 77, 77)),
    ],
    ids=["grey", "alpha", "16 bits", "16 bits grey"],
)
def test_picture_becomes_bgr_of_8_bits_when_it_is_something_else(tmp_path, pixels, colour):
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    read = read_picture(tmp_path / "a.png")
    assert (read.dtype, read.shape, tuple(read[4, 4])) == (np.uint8, (8, 8, 3), colour)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cannot decode 0 bytes"),
        (b"GIF89a" + bytes(50), "cannot decode 56 bytes as a JPEG, PNG, BMP or WebP"),
        (b"RIFF\0\0\0\0WEBPxxxx" + bytes(50), "cannot decode"),
        (b"BM" + bytes(5), "cannot decode"),
        (png(8, 8)[:40], "cannot decode"),
        (png(0, 8), "has 0 x 8 pixels"),
        (png(70_000, 1), "has 70000 x 1 pixels"),
        (png(50_000, 50_000), "has 50000 x 50000 pixels; at most 40000000"),
    ],
    ids=["empty", "gif", "no webp", "torn bmp", "torn png", "no width", "too wide", "bomb"],
)
def test_picture_is_refused_when_it_is_none_or_too_large(tmp_path, data, reason):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(PictureError, match=reason):
        read_picture(tmp_path / "a.png")


def test_picture_bomb_is_refused_before_its_pixels_take_memory(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png(40_000, 40_000, bytes(40_001) * 40))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PictureError, match="40000 x 40000"):
        read_picture(tmp_path / "bomb.png")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; decoded, 1.6 GB


def test_picture_is_refused_unread_when_its_file_is_too_long(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PictureError, match="at most"):
        read_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["folder", "fifo", "device"])
def test_picture_is_refused_when_it_is_no_file(tmp_path, kind):
    path: Path = tmp_path / "a.jpg"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(PictureError, match="is no file"):
        read_picture(path)


@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF....WEBPVP8X", b"\xff\xd8"]), st.binary(max_size=60)
)
def test_picture_size_never_raises(start, rest):
    size = picture_size(start + rest)
    assert size is None or len(size) == 2
