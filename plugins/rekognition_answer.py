"""Rekognition's answers as they may come: every member optional, unknown ones ignored, wrong ones refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal


class Shape(BaseModel):
    """A structure of the service's model; names as Rekognition writes them."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, alias_generator=to_pascal, allow_inf_nan=False
    )


class BoundingBox(Shape):
    """Ratios of the picture's sides; may be negative or reach beyond 1."""

    left: float | None = None
    top: float | None = None
    width: float | None = None
    height: float | None = None


class Point(Shape):
    x: float | None = Field(default=None, alias="X")
    y: float | None = Field(default=None, alias="Y")


class Geometry(Shape):
    bounding_box: BoundingBox | None = None
    polygon: list[Point] | None = None


class Named(Shape):
    name: str | None = None
    confidence: float | None = None


class Instance(Shape):
    bounding_box: BoundingBox | None = None
    confidence: float | None = None


class Label(Named):
    instances: list[Instance] | None = None
    parents: list[Named] | None = None
    aliases: list[Named] | None = None
    categories: list[Named] | None = None


class Text(Shape):
    detected_text: str | None = None
    type: str | None = None
    id: int | None = None
    parent_id: int | None = None
    confidence: float | None = None
    geometry: Geometry | None = None


class CustomLabel(Named):
    geometry: Geometry | None = None


class ModerationLabel(Named):
    parent_name: str | None = None
    taxonomy_level: int | None = None


class Said(Shape):
    """A value with a confidence: a smile, a gender."""

    value: bool | str | None = None
    confidence: float | None = None


class Emotion(Shape):
    type: str | None = None
    confidence: float | None = None


class Ages(Shape):
    low: int | None = None
    high: int | None = None


class Pose(Shape):
    roll: float | None = None
    yaw: float | None = None
    pitch: float | None = None


class Quality(Shape):
    brightness: float | None = None
    sharpness: float | None = None


class Face(Shape):
    """A face; landmarks are not read."""

    bounding_box: BoundingBox | None = None
    confidence: float | None = None
    age_range: Ages | None = None
    smile: Said | None = None
    eyeglasses: Said | None = None
    sunglasses: Said | None = None
    gender: Said | None = None
    beard: Said | None = None
    mustache: Said | None = None
    eyes_open: Said | None = None
    mouth_open: Said | None = None
    face_occluded: Said | None = None
    emotions: list[Emotion] | None = None
    pose: Pose | None = None
    quality: Quality | None = None


class KnownGender(Shape):
    type: str | None = None


class Celebrity(Shape):
    name: str | None = None
    id: str | None = None
    urls: list[str] | None = None
    face: Face | None = None
    match_confidence: float | None = None
    known_gender: KnownGender | None = None


class CollectedFace(Shape):
    """A face of a collection; its box is in the picture that it was collected from."""

    face_id: str | None = None
    image_id: str | None = None
    external_image_id: str | None = None
    user_id: str | None = None


class Match(Shape):
    similarity: float | None = None
    face: Face | None = None


class CollectionMatch(Shape):
    similarity: float | None = None
    face: CollectedFace | None = None


class Answer(Shape):
    """What any of the image operations answers."""

    labels: list[Label] | None = None
    label_model_version: str | None = None
    text_detections: list[Text] | None = None
    text_model_version: str | None = None
    face_details: list[Face] | None = None
    custom_labels: list[CustomLabel] | None = None
    moderation_labels: list[ModerationLabel] | None = None
    moderation_model_version: str | None = None
    celebrity_faces: list[Celebrity] | None = None
    unrecognized_faces: list[Face] | None = None
    face_matches: list[Match] | None = None
    unmatched_faces: list[Face] | None = None


class SearchAnswer(Shape):
    """What SearchFacesByImage answers, whose matches are others than CompareFaces's."""

    searched_face_bounding_box: BoundingBox | None = None
    searched_face_confidence: float | None = None
    face_matches: list[CollectionMatch] | None = None
    face_model_version: str | None = None


class Entry(BaseModel):
    """One operation of a picture, as `classify` returns it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    operation: Annotated[str, Field(max_length=40)]
    answer: dict[str, object]
    model: str | None = None
    note: str | None = None
