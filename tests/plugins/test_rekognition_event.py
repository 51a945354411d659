"""What becomes of Rekognition's answers; pairs of files: rekognition/<case>.answer.json and .event.json."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.demo.cloud.rekognition_answers import ANSWERS
from hub.event import MAX_ATTRIBUTES_CHARS, MAX_DETECTIONS, Detection, NewEvent
from hub.images.image import Image, S3Object
from hub.images.message import write
from hub.plugin import Decoded, Message, PayloadError
from plugins.rekognition_answer import Shape
from plugins.rekognition_event import decode
from plugins.rekognition_request import CALLS
from plugins.rekognition_settings import RekognitionSettings

PAIRS = sorted((Path(__file__).parent / "rekognition").glob("*.answer.json"))
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CUSTOM = {
    "version_arn": "arn:aws:rekognition:us-east-1:123456789012:project/lids/version/lids.1/1700000000001"
}
ALL = RekognitionSettings.model_validate(
    {
        "operations": list(CALLS),
        "custom_labels": CUSTOM,
        "compare_faces": {"face": "ann.jpg", "name": "Ann"},
        "search_faces": {"collection": "people"},
    }
)
NAMES = dict(
    zip(CALLS, ("".join(p.title() for p in call.split("_")) for call in CALLS.values()), strict=True)
)


def message(answer: Any) -> Message:
    place = S3Object("photos", "a/dog.jpg", None, "us-east-1")
    image = Image("s3:1", "a/dog.jpg", "photos", AT, b"jpeg", "image/jpeg", 640, 480, 1, place)
    return write(image, answer, None, AT, "rekognition")


def read(answer: Any, **table: Any) -> NewEvent:
    """Return the event of an answer, checked as the hub would not do again."""
    asked = ALL.model_copy(update=dict(RekognitionSettings.model_validate(table)) if table else {})
    (event,) = decode(message(answer), asked).events
    return NewEvent.model_validate(event.model_dump())


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.name.removesuffix(".answer.json"))
def test_answer_becomes_the_event_of_its_pair(path: Path) -> None:
    given_ = json.loads(path.read_text())
    expected = json.loads(path.with_name(path.name.replace(".answer.", ".event.")).read_text())

    event = read(given_["answer"], **given_.get("settings", {}))

    assert json.loads(event.model_dump_json(exclude_defaults=True)) == expected


def test_event_is_of_the_picture_and_carries_it() -> None:
    decoded = decode(message([{"operation": "text", "answer": {}}]), ALL)
    assert (decoded.picture, decoded.device) == (b"jpeg", "photos")
    assert (decoded.events[0].key, decoded.events[0].captured_at) == ("s3:1", AT)


def test_every_answer_of_the_local_server_is_read() -> None:
    entries = [{"operation": name, "answer": ANSWERS[NAMES[name]]()} for name in CALLS]
    event = read(entries)
    assert {detection.attributes["operation"] for detection in event.detections} == set(CALLS)


def test_more_detections_than_an_event_takes_are_left_out_and_counted() -> None:
    labels = [{"Name": f"label {at}", "Confidence": at % 101} for at in range(MAX_DETECTIONS + 30)]
    event = read([{"operation": "labels", "answer": {"Labels": labels}}])
    assert len(event.detections) == MAX_DETECTIONS
    assert event.attributes["left_out"] == 30
    assert min(d.confidence for d in event.detections) > 0


def test_longest_possible_names_stay_within_what_attributes_may_hold() -> None:
    long = [{"Name": "x" * 5000}] * 100
    label = {"Name": "\x00" * 500, "Parents": long, "Aliases": long, "Categories": long}
    text = {"DetectedText": "y" * 9000, "Geometry": {"Polygon": [{"X": 0.1, "Y": 0.2}] * 900}}
    known = {
        "Name": "z" * 900,
        "Urls": ["u" * 900] * 900,
        "Id": "i" * 900,
        "KnownGender": {"Type": "g" * 900},
    }

    event = read(
        [
            {"operation": "labels", "answer": {"Labels": [label]}},
            {"operation": "text", "answer": {"TextDetections": [text]}},
            {"operation": "celebrities", "answer": {"CelebrityFaces": [known]}},
        ]
    )

    assert all(len(json.dumps(d.attributes)) < MAX_ATTRIBUTES_CHARS for d in event.detections)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        [{"operation": "labels"}],
        [{"operation": "levitation", "answer": {}}],
        [{"operation": "labels", "answer": {"Labels": "none"}}],
        [{"operation": "labels", "answer": {"Labels": [{"Name": 7}]}}],
        [{"operation": "labels", "answer": {"Labels": [{"Name": "a", "Confidence": "high"}]}}],
        [{"operation": "text", "answer": {"TextDetections": [{"Geometry": {"BoundingBox": {"Left": []}}}]}}],
        [{"operation": "moderation", "answer": {"ModerationLabels": [{"TaxonomyLevel": 2**70}]}}],
    ],
)
def test_answer_that_is_not_rekognitions_is_refused(answer: Any) -> None:
    with pytest.raises(PayloadError):
        read(answer)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES_OF_MEMBERS = sorted(
    {str(f.alias) for shape in Shape.__subclasses__() for f in shape.model_fields.values()}
    | {"operation", "answer", "model", "note", "job", "device", "began_at", "at_ms", "entry", "refused"}
)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES_OF_MEMBERS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)


def decodes_or_refuses(found: Message) -> None:
    try:
        decoded = decode(found, ALL)
    except PayloadError:
        return
    assert isinstance(decoded, Decoded)
    for event in decoded.events:
        assert NewEvent.model_validate(event.model_dump()) == event
        assert all(Detection.model_validate(d.model_dump()) == d for d in event.detections)


@settings(max_examples=150)
@given(operation=st.sampled_from(list(CALLS)), answer=st.dictionaries(st.sampled_from(NAMES_OF_MEMBERS), ANY))
def test_any_answer_gives_an_event_or_a_payload_error(operation: str, answer: Any) -> None:
    line = json.loads(message(None).payload.partition(b"\n")[0])
    line["answer"] = [{"operation": operation, "answer": answer}]
    payload = json.dumps(line).encode() + b"\njpeg"
    decodes_or_refuses(Message("rekognition", "images/a", payload, AT))


@settings(max_examples=150)
@given(st.one_of(ANY.map(lambda value: json.dumps(value).encode()), st.binary()))
def test_any_bytes_of_a_video_give_an_event_or_a_payload_error(payload: bytes) -> None:
    decodes_or_refuses(Message("rekognition", "video/1", payload, AT))
