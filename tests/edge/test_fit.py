"""Making records smaller."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from edge.fit import TOO_LARGE_REASON, fit_record, strip_picture
from hub.draw.picture import decode_picture, encode_jpeg
from hub.event import Frame
from hub.wire.protocol import join_record, split_record

LINE = b'{"device":"cam-1","frame":{"digest":"x"}}'


@pytest.fixture(scope="module")
def picture() -> bytes:
    """A JPEG of noise, which needs many bytes."""
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    return encode_jpeg(noise, 95)


def test_fit_record_changes_nothing_when_it_fits(picture):
    payload = join_record(LINE, picture)
    assert fit_record(LINE, picture, len(payload)) == payload


@pytest.mark.parametrize("limit", [60_000, 20_000, 8_000])
def test_fit_record_encodes_the_picture_again_when_it_is_too_large(picture, limit):
    payload = fit_record(LINE, picture, limit)
    assert payload is not None
    assert len(payload) <= limit
    line, smaller = split_record(payload)
    assert smaller is not None
    frame = Frame.model_validate(json.loads(line)["frame"])
    assert frame.digest == hashlib.sha256(smaller).hexdigest()
    assert decode_picture(smaller).shape == (frame.height, frame.width, 3)


def test_fit_record_drops_the_picture_when_nothing_else_helps(picture):
    payload = fit_record(LINE, picture, 200)
    assert payload is not None
    assert json.loads(payload)["frame"] == {"dropped": TOO_LARGE_REASON}


def test_fit_record_drops_the_picture_when_it_cannot_be_decoded():
    payload = fit_record(LINE, b"no picture" * 100, 200)
    assert payload == strip_picture(LINE, TOO_LARGE_REASON)


def test_fit_record_gives_up_when_the_event_alone_is_too_large(picture):
    assert fit_record(LINE, picture, 20) is None
    assert fit_record(LINE, None, 20) is None


@pytest.mark.parametrize("line", [b"no json", b"[1]", b"\xff"])
def test_strip_picture_leaves_a_line_alone_when_it_is_no_object(line):
    assert strip_picture(line, "x") == line
