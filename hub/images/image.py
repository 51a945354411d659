"""A picture on its way to a classifier, checked before anything is paid for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

ImageType = Literal["image/jpeg", "image/png"]


@dataclass(frozen=True, slots=True)
class S3Object:
    """Where a picture lies in S3, as the notification said it."""

    bucket: str
    key: str
    version: str | None = None
    region: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a picture before it is looked at; see `Image`."""

    name: str
    device: str
    captured_at: datetime
    s3: S3Object | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture to classify. `width` and `height` are pixels, upright: the EXIF orientation is applied.

    Attributes:
        key: Its identity, and the key of the event to make of it.
        name: What people call it: a file's name, a key in S3.
        device: Whom the event is of.
        data: The bytes as they came.
        orientation: 1 to 8, as EXIF has it; 1 is upright.
        s3: Where it lies, if it came from there.
    """

    key: str
    name: str
    device: str
    captured_at: datetime
    data: bytes = field(repr=False)
    media_type: ImageType
    width: int
    height: int
    orientation: int = 1
    s3: S3Object | None = None
