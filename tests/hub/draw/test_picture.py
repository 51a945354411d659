from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hub.draw.picture import PictureError, decode_picture, draw_detections, encode_jpeg
from hub.event import Box, Detection

GREY = np.full((240, 320, 3), 128, np.uint8)


def detection(box: Box | None, label: str = "thumbs-up") -> Detection:
    return Detection(label=label, confidence=0.875, box=box)


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8\xff\xd9"])
def test_picture_that_cannot_be_decoded_is_an_error(data):
    with pytest.raises(PictureError, match=f"cannot decode {len(data)} bytes"):
        decode_picture(data)


def test_picture_comes_back_from_jpeg_with_its_size():
    assert decode_picture(encode_jpeg(GREY)).shape == (240, 320, 3)


def test_picture_is_decoded_upright_as_exif_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turned by 90 degrees
    data = io.BytesIO()
    Image.fromarray(GREY).save(data, "JPEG", exif=exif)
    assert decode_picture(data.getvalue()).shape == (320, 240, 3)


def test_boxes_are_drawn_where_they_are_and_on_a_copy():
    drawn = draw_detections(GREY, [detection(Box(left=0.25, top=0.5, width=0.5, height=0.25))])
    changed = np.argwhere((drawn != 128).any(axis=2))
    assert (drawn[120:180, 80] != 128).any(axis=1).all()
    assert changed[:, 0].max() == pytest.approx(180, abs=2)
    assert (GREY == 128).all()


@pytest.mark.parametrize("label", ["あ", "う", "é"])
def test_labels_of_other_scripts_are_drawn_as_themselves(label):
    box = Box(left=0.1, top=0.5, width=0.5, height=0.25)
    drawn, unknown = (draw_detections(GREY, [detection(box, text)]) for text in (label, "\ufffd"))
    assert (drawn != unknown).any()


@pytest.mark.parametrize(
    "box",
    [
        None,
        Box(left=-1e6, top=-1e6, width=1e6, height=1e6),
        Box(left=1e6, top=0, width=0, height=0),
        Box(left=-0.5, top=0.9, width=3, height=0.4),
    ],
)
def test_boxes_outside_the_frame_do_no_harm(box):
    assert draw_detections(GREY, [detection(box)] * 3).shape == GREY.shape
