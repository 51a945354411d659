"""What was said of a picture, written as a message and read again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.message import Decoded, Message
from hub.errors import PayloadError
from hub.images.image import Image, Origin, S3Object
from hub.images.message import GateSaid, Refusal, read_classified, write, write_refused
from hub.store.arrival import Arrival

NOW = datetime(2026, 11, 21, 18, 31, tzinfo=UTC)
IMAGE = Image(
    key="s3:photos/a.jpg@1:rekognition",
    name="übung/\na.jpg",
    device="photos",
    captured_at=NOW,
    data=b"\xff\xd8\n\xff\xd9",
    media_type="image/jpeg",
    width=64,
    height=48,
    orientation=6,
    s3=S3Object("photos", "a.jpg", "1"),
)


def test_message_reads_as_the_image_and_answer_it_was_written_of():
    gate = GateSaid(name="text", score=0.25, threshold=0.5, audit=True)
    message = write(IMAGE, {"Labels": [1, None, "x"]}, gate, NOW, "rekognition")
    seen = read_classified(message)

    assert (seen.image, seen.answer, seen.gate) == (IMAGE, {"Labels": [1, None, "x"]}, gate)
    assert (message.source, message.topic) == ("rekognition", "images/übung/?a.jpg")


def test_message_of_a_refused_picture_raises_its_refusal_when_read():
    refusal = Refusal(code="picture_empty", reason="0 bytes")
    message = write_refused(Origin("a.jpg", "photos", NOW), "file:r:1", refusal, b"", NOW, "r")

    with pytest.raises(PayloadError, match="picture_empty: 0 bytes"):
        read_classified(message)


async def test_refused_picture_is_in_quarantine_with_its_device(store, soon):
    refusal = Refusal(code="picture_empty", reason="0 bytes")
    message = write_refused(Origin("a.jpg", "photos", NOW), "file:r:1", refusal, b"", NOW, "r")
    refused = Decoded(error=PayloadError("picture_empty", "0 bytes"))
    await soon(store.add(Arrival(message, refused), Arrival(replace(message, source="mqtt"), refused)))

    assert store.sql("SELECT source, device FROM quarantine ORDER BY id") == [("r", "photos"), ("mqtt", None)]


def test_message_is_not_written_of_an_answer_that_json_does_not_know():
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(IMAGE, [float("nan")], None, NOW, "rekognition")


@given(st.binary() | st.sampled_from([b"{}", b'{"image":{}}\n', b"null\nx", b'{"image":null}']))
def test_other_bytes_are_a_payload_error(payload):
    with pytest.raises(PayloadError):
        read_classified(Message("r", "images/a", payload, NOW))


def test_lone_surrogates_are_question_marks_in_a_message():
    message = write(IMAGE, {"said": "a\udcff"}, None, NOW, "gallery")

    assert read_classified(message).answer == {"said": "a?"}
