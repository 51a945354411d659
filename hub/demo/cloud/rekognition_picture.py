"""Looks at a picture as Rekognition does before it is analysed: size, format, sides."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from hub.demo.cloud.rekognition_fault import RefusedError

MEBI = 1024 * 1024
MAX_BYTES = 5 * MEBI
MAX_CUSTOM_BYTES = 4 * MEBI
LEAST_SIDE = 80


def name_of(image: dict[str, Any]) -> str:
    """Return what answers are kept under: the SHA-256 of the bytes, or s3://bucket/key."""
    place = image.get("S3Object")
    if place is not None:
        return f"s3://{place.get('Bucket')}/{place.get('Name')}"
    return hashlib.sha256(image["Bytes"]).hexdigest()


def check_image(operation: str, image: dict[str, Any]) -> None:
    """Refuse what Rekognition refuses; an object in S3 is taken unseen.

    Raises:
        RefusedError: With Rekognition's code.
    """
    data = image.get("Bytes")
    if (data is None) == (image.get("S3Object") is None):
        raise RefusedError("InvalidParameterException", "Request has invalid parameters")
    if data is None:
        return
    if len(data) > (MAX_CUSTOM_BYTES if operation == "DetectCustomLabels" else MAX_BYTES):
        raise RefusedError("ImageTooLargeException", "Image size is too large")
    _check_picture(data)


def _check_picture(data: bytes) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            sides = picture.size
    except (UnidentifiedImageError, OSError) as error:
        raise RefusedError("InvalidImageFormatException", "Request has invalid image format") from error
    if min(sides) < LEAST_SIDE:
        raise RefusedError("InvalidParameterException", "Request has invalid image dimensions")
