from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.decode.limits import Limits
from hub.decode.picture import check_picture, measure_picture
from hub.draw.picture import decode_picture
from hub.errors import PayloadError
from hub.event import DroppedFrame, Frame

MakeFrame = Callable[..., dict[str, Any]]


def encode(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = BytesIO()
    Image.new(mode, (64, 48)).save(out, kind, **options)
    return out.getvalue()


def refusal(frame: dict[str, Any] | None, picture: bytes | None, **limits: int) -> str | None:
    claim = Frame.model_validate(frame) if frame else None
    try:
        check_picture(claim, picture, Limits(**limits))
    except PayloadError as error:
        return error.code
    return None


def test_picture_passes_when_everything_claimed_is_true(jpeg: bytes, frame_of: MakeFrame) -> None:
    assert refusal(frame_of(jpeg), jpeg, max_picture_bytes=len(jpeg), max_picture_pixels=64 * 48) is None


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        ({"digest": "0" * 64}, "picture_digest_mismatch"),
        ({"width": 48, "height": 64}, "picture_size_mismatch"),
        ({"media_type": "image/png"}, "picture_not_jpeg"),
    ],
)
def test_picture_is_refused_when_the_event_lies(
    jpeg: bytes, frame_of: MakeFrame, lies: dict[str, Any], code: str
) -> None:
    assert refusal(frame_of(jpeg, **lies), jpeg) == code


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_picture_bytes": 100}, "picture_too_large"),
        ({"max_picture_pixels": 3071}, "picture_too_many_pixels"),
    ],
)
def test_picture_is_refused_when_it_exceeds_a_limit(
    jpeg: bytes, frame_of: MakeFrame, limits: dict[str, int], code: str
) -> None:
    assert refusal(frame_of(jpeg), jpeg, **limits) == code


def test_picture_is_refused_when_it_has_scans_without_end(jpeg: bytes, frame_of: MakeFrame) -> None:
    start, rest = jpeg[:-2], jpeg[-2:]
    many = start + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 64 + rest
    assert refusal(frame_of(many), many) == "picture_too_complex"


def test_picture_is_refused_when_its_end_is_missing(jpeg: bytes, frame_of: MakeFrame) -> None:
    assert refusal(frame_of(jpeg[:-2]), jpeg[:-2]) == "picture_truncated"


def test_png_passes_when_it_is_claimed_as_one(png: bytes, frame_of: MakeFrame) -> None:
    assert refusal(frame_of(png, media_type="image/png"), png) is None
    assert refusal(frame_of(png), png) == "picture_not_jpeg"


@pytest.mark.parametrize("cut", [16, 40, -1])
def test_png_is_refused_when_it_is_cut(png: bytes, frame_of: MakeFrame, cut: int) -> None:
    expected = "picture_not_jpeg" if cut == 16 else "picture_truncated"
    assert refusal(frame_of(png[:cut], media_type="image/png"), png[:cut]) == expected


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_picture_is_refused_when_it_is_of_another_format(kind: str) -> None:
    with pytest.raises(PayloadError, match="picture_not_jpeg"):
        measure_picture(encode(kind), Limits())


def test_picture_is_refused_when_it_is_animated() -> None:
    turning = encode("PNG", save_all=True, append_images=[Image.new("RGB", (64, 48), "red")])
    with pytest.raises(PayloadError, match="picture_animated"):
        measure_picture(turning, Limits())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(9))
def test_picture_is_measured_as_it_is_decoded_whatever_its_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = encode(kind, exif=exif.tobytes())
    found = measure_picture(picture, Limits())

    assert decode_picture(picture).shape == (found.height, found.width, 3)
    assert (found.width, found.height) == ((48, 64) if orientation >= 5 else (64, 48))


def test_cmyk_is_measured_like_any_jpeg() -> None:
    found = measure_picture(encode("JPEG", mode="CMYK"), Limits())

    assert (found.media_type, found.width, found.height) == ("image/jpeg", 64, 48)


def test_jpeg_of_a_phone_is_taken_with_what_lies_behind_its_end(jpeg: bytes) -> None:
    assert measure_picture(jpeg + b"\xff\xda\x00\x08 a film " * 500, Limits()).width == 64


def test_progressive_jpeg_with_something_behind_it_is_taken() -> None:
    assert measure_picture(encode("JPEG", progressive=True) + b"SEFT", Limits()).width == 64


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe1"]))
def test_any_bytes_are_measured_or_refused(noise: bytes, start: bytes) -> None:
    with suppress(PayloadError):
        measure_picture(start + noise, Limits())


def test_exif_of_endless_directories_is_read_at_once(jpeg: bytes) -> None:
    tiff = b"II*\x00\x08\x00\x00\x00\xff\xff" + b"\x01\x01" * 32_000
    loop = b"\xff\xe1" + (len(tiff) + 8).to_bytes(2, "big") + b"Exif\x00\x00" + tiff
    assert measure_picture(jpeg[:2] + loop * 100 + jpeg[2:], Limits()).orientation == 1


def test_picture_and_claim_are_refused_when_one_comes_without_the_other(
    jpeg: bytes, frame_of: MakeFrame
) -> None:
    assert refusal(frame_of(jpeg), None) == "picture_missing"
    assert refusal(None, jpeg) == "picture_unclaimed"
    with pytest.raises(PayloadError, match="picture_unclaimed"):
        check_picture(DroppedFrame(dropped="quota"), jpeg, Limits())
