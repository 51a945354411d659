"""Makes an event of what was found on a picture of a book: barcodes, or a model's guesses. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue, ValidationError

from hub.event import Box, Detection, Fraction, Model, Name, NewEvent, Plain
from hub.plugin import PayloadError, Seen
from plugins.isbn_number import Isbn, IsbnError, parse_isbn, strip_name

UNKNOWN = "unknown"


class _Barcode(Plain):
    isbn: Name
    box: Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]
    sharpened: bool = False


class _Model(Plain):
    name: Name
    version: Name
    guesses: tuple[tuple[Name, Fraction], ...] = ()


class _Answer(Plain):
    barcodes: tuple[_Barcode, ...] = ()
    model: _Model | None = None


def write_event(seen: Seen, source: str, threshold: float, guesses: int, reader: str) -> NewEvent:
    """Return the event of one picture.

    Args:
        threshold: A model's best guess below it is `unknown`.
        guesses: How many of them are kept beside.
        reader: The version of the barcode reader.

    Raises:
        PayloadError: The answer is not one of this plugin's.
    """
    try:
        answer = _Answer.model_validate(seen.answer)
        detections = tuple(_describe_barcode(code) for code in answer.barcodes)
        made_by = Model(name="zxing-cpp", version=reader)
        if not detections and answer.model is not None:
            detections = _describe_guesses(answer.model, threshold, guesses)
            made_by = Model(name=answer.model.name, version=answer.model.version)
        return NewEvent(
            key=seen.image.key,
            source=source,
            device=seen.image.device,
            captured_at=seen.image.captured_at,
            model=made_by,
            detections=detections,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PayloadError("bad_answer", f"answer.{place}: {first['msg']}") from error


def _describe_barcode(code: _Barcode) -> Detection:
    label, attributes = _check(code.isbn)
    left, top, width, height = code.box
    return Detection(
        label=label,
        confidence=1.0,
        box=Box(left=left, top=top, width=width, height=height),
        attributes={"operation": "barcode", "sharpened": code.sharpened, **attributes},
    )


def _describe_guesses(model: _Model, threshold: float, kept: int) -> tuple[Detection, ...]:
    """Return the best guess, or `unknown` where it is not sure enough, with the best ones beside it."""
    if not model.guesses:
        return ()
    name, confidence = max(model.guesses, key=lambda guess: guess[1])
    attributes: dict[str, JsonValue] = {"operation": "model"}
    if confidence < threshold:
        label = UNKNOWN
        attributes["checked"] = False
    else:
        label, checked = _check(name)
        attributes |= {"class": name, **checked}
    attributes["guesses"] = [{"label": _label(name), "confidence": p} for name, p in model.guesses[:kept]]
    return (Detection(label=label, confidence=confidence, attributes=attributes),)


def _check(name: str) -> tuple[str, dict[str, JsonValue]]:
    """Return the label of a class, and whether it is a book's number, with the ISBN-10 or the reason."""
    try:
        isbn = parse_isbn(name)
    except IsbnError as error:
        return strip_name(name) or name, {"checked": False, "problem": str(error)}
    return isbn.isbn13, {"checked": True, **_older(isbn)}


def _older(isbn: Isbn) -> dict[str, JsonValue]:
    return {} if isbn.isbn10 is None else {"isbn10": isbn.isbn10}


def _label(name: str) -> str:
    return _check(name)[0]
