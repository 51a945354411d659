"""How a picture is given to Rekognition: as an object in S3, as bytes, or as smaller bytes."""

from __future__ import annotations

import io
from typing import Any

from hub.plugin import Image, Reject

MEBI = 1024 * 1024
MAX_BYTES = 5 * MEBI
MAX_CUSTOM_BYTES = 4 * MEBI
MAX_S3_BYTES = 15 * MEBI
LEAST_SIDE = 80
QUALITIES = (90, 80, 65)
LONGEST_SIDE = 4096


def check_sides(image: Image) -> None:
    """Refuse what Rekognition finds too small.

    Raises:
        Reject: A side is below 80 pixels.
    """
    if min(image.width, image.height) < LEAST_SIDE:
        found = f"{image.width} x {image.height} pixels"
        raise Reject(f"{found}; Rekognition takes pictures of at least {LEAST_SIDE} x {LEAST_SIDE}")


def name_object(image: Image, region: str | None) -> dict[str, Any] | None:
    """Return the picture as an object in S3, where Rekognition can read it there: in its own region."""
    place = image.s3
    if place is None or len(image.data) > MAX_S3_BYTES or place.region not in {None, region}:
        return None
    version = {} if place.version is None else {"Version": place.version}
    return {"S3Object": {"Bucket": place.bucket, "Name": place.key, **version}}


def most_bytes(operation: str) -> int:
    """Return how many bytes an operation takes."""
    return MAX_CUSTOM_BYTES if operation == "custom-labels" else MAX_BYTES


def refuse_size(image: Image, operation: str) -> Reject:
    """Return why a picture cannot be sent."""
    return Reject(
        f"{len(image.data)} bytes; {operation} takes {most_bytes(operation)}, and {MAX_S3_BYTES} from S3 in "
        'its own region (or set oversize = "shrink")'
    )


def shrink(data: bytes, most: int) -> bytes:
    """Return a picture as an upright JPEG of at most so many bytes. It takes a second: call it in a thread.

    Boxes are fractions of the sides, so they hold for the picture as it came.

    Raises:
        Reject: The picture cannot be read.
    """
    from PIL import Image as Picture
    from PIL import ImageOps

    try:
        with Picture.open(io.BytesIO(data), formats=("JPEG", "PNG")) as found:
            found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            picture = ImageOps.exif_transpose(found).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise Reject(f"the picture cannot be read to make it smaller: {error}") from error
    return _encode_within(picture, most)


def _encode_within(picture: Any, most: int) -> bytes:
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    while True:
        for quality in QUALITIES:
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=quality)
            if file.tell() <= most:
                return file.getvalue()
        picture.thumbnail((picture.width * 3 // 4, picture.height * 3 // 4))
