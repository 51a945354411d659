from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hub.decode.limits import Limits
from hub.decode.picture import check_picture
from hub.errors import PayloadError
from hub.event import DroppedFrame, Frame

MakeFrame = Callable[..., dict[str, Any]]


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


def test_picture_is_refused_when_it_is_no_jpeg(png: bytes, frame_of: MakeFrame) -> None:
    assert refusal(frame_of(png), png) == "picture_not_jpeg"


def test_picture_and_claim_are_refused_when_one_comes_without_the_other(
    jpeg: bytes, frame_of: MakeFrame
) -> None:
    assert refusal(frame_of(jpeg), None) == "picture_missing"
    assert refusal(None, jpeg) == "picture_unclaimed"
    with pytest.raises(PayloadError, match="picture_unclaimed"):
        check_picture(DroppedFrame(dropped="quota"), jpeg, Limits())
