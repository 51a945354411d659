from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.wire.jpeg import jpeg_size


def encode(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.new(mode, (width, height)).save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"\xff\xc0" * 30000}])
def test_jpeg_size_agrees_with_pillow(mode: str, options: dict[str, object]) -> None:
    assert jpeg_size(encode(321, 123, mode, **options)) == (321, 123)


def test_jpeg_size_ignores_a_thumbnail_inside_exif() -> None:
    assert jpeg_size(encode(64, 48, exif=b"Exif\0\0" + encode(8, 8))) == (64, 48)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xc0\x00\x11\x08\x00",
        b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x00\x10\x03",
        b"\xff\xd8\xff\xc0\x00\x11\x0c\x00\x10\x00\x10\x03",
        b"\xff\xd8\xff\xe0\x00\x00" * 1000,
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 1000 + b"\xff\xc0\x00\x11\x08\x00\x10\x00\x10\x03",
    ],
    ids=[
        "empty",
        "start",
        "start, end",
        "png",
        "torn",
        "no height",
        "12 bits",
        "length 0",
        "too many segments",
    ],
)
def test_jpeg_size_is_none_when_there_is_no_usable_header(data: bytes) -> None:
    assert jpeg_size(data) is None


@given(st.binary(max_size=200), st.integers(0, 600))
def test_jpeg_size_never_raises_for_damaged_headers(noise: bytes, at: int) -> None:
    whole = encode(64, 48)
    size = jpeg_size(whole[:at] + noise + whole[at + len(noise) :])
    assert size is None or min(size) > 0


def test_jpeg_size_is_none_when_padding_never_ends() -> None:
    assert jpeg_size(b"\xff\xd8" + b"\xff" * 8_000_000) is None
