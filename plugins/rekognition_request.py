"""What is asked of Rekognition for each operation: the call's name, its parameters, price and rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plugins.rekognition_settings import Operation, RekognitionSettings

RATE = 5.0
"""Calls a second that every account may make in most regions; us-east-1 and us-west-2 allow more."""
PRICE = 0.001
"""USD for a picture, first million of a month in us-east-1, as Amazon published it in 2025."""

CALLS: dict[Operation, str] = {
    "labels": "detect_labels",
    "custom-labels": "detect_custom_labels",
    "text": "detect_text",
    "faces": "detect_faces",
    "celebrities": "recognize_celebrities",
    "moderation": "detect_moderation_labels",
    "compare-faces": "compare_faces",
    "search-faces": "search_faces_by_image",
}
MEMBERS: dict[Operation, str] = {
    "labels": "Labels",
    "custom-labels": "CustomLabels",
    "text": "TextDetections",
    "faces": "FaceDetails",
    "celebrities": "CelebrityFaces",
    "moderation": "ModerationLabels",
    "compare-faces": "FaceMatches",
    "search-faces": "FaceMatches",
}
"""What an answer has even where nothing was found; without it, it is not Rekognition's."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One operation as it is asked of every picture.

    Args:
        price: USD a call.
        rate: Calls a second.
        model: The Custom Labels version, which no answer names.
    """

    operation: Operation
    parameters: dict[str, Any]
    price: float
    rate: float
    model: str | None = None

    @property
    def call(self) -> str:
        """The client's method."""
        return CALLS[self.operation]

    def arguments(self, picture: dict[str, Any]) -> dict[str, Any]:
        """Return the call's arguments for a picture, as bytes or as an object in S3."""
        name = "TargetImage" if self.operation == "compare-faces" else "Image"
        return {name: picture, **self.parameters}


def make_inquiries(settings: RekognitionSettings, face: bytes | None) -> tuple[Inquiry, ...]:
    """Return what is asked of every picture.

    Args:
        face: The picture of the face that compare-faces looks for.
    """
    return tuple(_make(operation, settings, face) for operation in settings.operations)


def _make(operation: Operation, settings: RekognitionSettings, face: bytes | None) -> Inquiry:
    custom = settings.custom_labels if operation == "custom-labels" else None
    return Inquiry(
        operation,
        _parameters(operation, settings, face),
        settings.price.get(operation, 0.0 if custom else PRICE),
        settings.rate.get(operation, RATE),
        custom.version_name if custom else None,
    )


def _parameters(operation: Operation, settings: RekognitionSettings, face: bytes | None) -> dict[str, Any]:
    if operation == "labels":
        most = settings.labels.max_labels
        return {"MinConfidence": settings.labels.min_confidence * 100, "MaxLabels": most}
    if operation == "text" and settings.text.min_confidence is not None:
        return {"Filters": {"WordFilter": {"MinConfidence": settings.text.min_confidence * 100}}}
    if operation == "faces":
        return {"Attributes": ["ALL"]}
    if operation == "moderation":
        return {"MinConfidence": settings.moderation.min_confidence * 100}
    return _parameters_of_ours(operation, settings, face)


def _parameters_of_ours(
    operation: Operation, settings: RekognitionSettings, face: bytes | None
) -> dict[str, Any]:
    """Return the parameters of what asks a model, a face or a collection of the user's own."""
    custom, compare, search = settings.custom_labels, settings.compare_faces, settings.search_faces
    if operation == "custom-labels" and custom is not None:
        sure = {} if custom.min_confidence is None else {"MinConfidence": custom.min_confidence * 100}
        return {"ProjectVersionArn": custom.version_arn, "MaxResults": custom.max_results, **sure}
    if operation == "compare-faces" and compare is not None:
        return {"SourceImage": {"Bytes": face}, "SimilarityThreshold": compare.min_similarity * 100}
    if operation == "search-faces" and search is not None:
        least = search.min_similarity * 100
        return {
            "CollectionId": search.collection,
            "MaxFaces": search.max_faces,
            "FaceMatchThreshold": least,
        }
    return {}
