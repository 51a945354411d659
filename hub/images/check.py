"""Refuses what no classifier should be asked about, in words that tell a person what to send instead."""

from __future__ import annotations

from hub.decode.limits import Limits
from hub.decode.picture import Measured, measure_picture
from hub.errors import PayloadError

_STARTS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\x00": "a TIFF",
    b"MM\x00*": "a TIFF",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive",
    b"<": "HTML, SVG or XML",
    b"{": "JSON",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000",
    b"\xff\x0a": "a JPEG XL",
}
_BRANDS = {b"heic": "a HEIC", b"heix": "a HEIC", b"mif1": "a HEIC", b"avif": "an AVIF", b"avis": "an AVIF"}


def check_image(data: bytes, limits: Limits) -> Measured:
    """Return what a picture is.

    Raises:
        PayloadError: `picture_empty`, or what `measure_picture` raises, with what it seems to be instead.
    """
    if not data:
        raise PayloadError("picture_empty", "0 bytes; the upload was probably cut off")
    try:
        return measure_picture(data, limits)
    except PayloadError as error:
        if error.code != "picture_not_jpeg" or (kind := _name(data)) is None:
            raise
        raise PayloadError(error.code, f"{len(data)} bytes of {kind}; send a JPEG or a PNG") from None


def _name(data: bytes) -> str | None:
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return (
            "an animated WebP" if data[12:16] == b"VP8X" and data[20:21] > b"" and data[20] & 2 else "a WebP"
        )
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "a film or a HEIF picture")
    if data.startswith(b"GIF8") and data.count(b"\x21\xf9\x04") > 1:
        return "an animated GIF"
    text = data.lstrip()[:8]
    return next((kind for start, kind in _STARTS.items() if text.startswith(start)), None)
