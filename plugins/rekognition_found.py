"""What Rekognition found, as detections: one function for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hub.event import Box, Detection
from plugins.rekognition_answer import (
    Answer,
    BoundingBox,
    Emotion,
    Face,
    Geometry,
    Label,
    Named,
    Said,
    SearchAnswer,
    Shape,
)

if TYPE_CHECKING:
    from plugins.rekognition_settings import RekognitionSettings

MAX_LABEL_CHARS = 200
MAX_TEXT_CHARS = 2000
MAX_NAME_CHARS = 100
MAX_NAMES = 20
MAX_POINTS = 20
NAMELESS = "unnamed"
DIGITS = 8  # a share of Rekognition's 32-bit floats has no more
_SAYINGS = ("smile", "eyeglasses", "sunglasses", "gender", "beard", "mustache", "eyes_open", "mouth_open")


def printable(text: str, limit: int) -> str:
    """Return text that every database and terminal takes: what is not printable escaped, and cut."""
    start = text[:limit]
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in start)[:limit]


def detect(label: str | None, percent: float | None, box: BoundingBox | None, **attributes: Any) -> Detection:
    """Return a detection; a confidence that Rekognition did not give is 0.

    Args:
        percent: 0 to 100.
        attributes: Those that are None, or an empty list or table, are left out.
    """
    return Detection(
        label=printable(label or "", MAX_LABEL_CHARS) or NAMELESS,
        confidence=share(percent or 0.0),
        box=_box(box),
        attributes={name: value for name, value in attributes.items() if value not in (None, "", [], {})},
    )


def share(percent: float) -> float:
    """Return a percentage as 0..1; Rekognition's 100.00000762939453 is 1."""
    return round(min(max(percent / 100, 0.0), 1.0), DIGITS)


def _box(found: BoundingBox | None) -> Box | None:
    if found is None or None in (found.left, found.top, found.width, found.height):
        return None
    return Box.model_validate(found.model_dump())


def _polygon(geometry: Geometry | None) -> list[list[float]]:
    points = (geometry and geometry.polygon) or []
    return [[p.x, p.y] for p in points[:MAX_POINTS] if p.x is not None and p.y is not None]


def _names(found: Sequence[Named] | None) -> list[str]:
    return [printable(item.name, MAX_NAME_CHARS) for item in (found or [])[:MAX_NAMES] if item.name]


def _plain(found: Shape | None) -> dict[str, Any]:
    return found.model_dump(exclude_none=True) if found is not None else {}


def find_labels(answer: Answer, _: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection for each instance of a label; a scene has none, and gets one without a box."""
    for label in answer.labels or ():
        yield from _find_instances(label)


def _find_instances(label: Label) -> Iterator[Detection]:
    told = {name: _names(getattr(label, name)) for name in ("parents", "aliases", "categories")}
    for instance in label.instances or ():
        percent = label.confidence if instance.confidence is None else instance.confidence
        yield detect(label.name, percent, instance.bounding_box, **told)
    if not label.instances:
        yield detect(label.name, label.confidence, None, **told)


def find_text(answer: Answer, settings: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection for each line or each word, with the text as its label: both say the same text."""
    wanted = settings.text.units.removesuffix("s").upper()
    for text in answer.text_detections or ():
        if text.type in (wanted, None):
            said = text.detected_text or ""
            more = printable(said, MAX_TEXT_CHARS) if len(said) > MAX_LABEL_CHARS else None
            geometry = text.geometry
            yield detect(
                said,
                text.confidence,
                geometry.bounding_box if geometry else None,
                type=text.type and text.type.lower(),
                text=more,
                polygon=_polygon(geometry),
            )


def find_faces(answer: Answer, _: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection `face` for each face, with what is said of it."""
    for face in answer.face_details or ():
        yield _face(face)


def _face(face: Face, **more: Any) -> Detection:
    sayings = {name: _said(getattr(face, name)) for name in (*_SAYINGS, "face_occluded")}
    return detect(
        "face",
        face.confidence,
        face.bounding_box,
        age_range=_plain(face.age_range),
        emotions=_emotions(face.emotions),
        pose=_plain(face.pose),
        quality=_plain(face.quality),
        **sayings,
        **more,
    )


def _said(found: Said | None) -> dict[str, Any] | None:
    if found is None or found.value is None:
        return None
    value = printable(found.value, MAX_NAME_CHARS) if isinstance(found.value, str) else found.value
    return {"value": value, "confidence": share(found.confidence or 0.0)}


def _emotions(found: Iterable[Emotion] | None) -> dict[str, float]:
    named = [e for e in (found or ()) if e.type][:MAX_NAMES]
    return {printable(e.type or "", MAX_NAME_CHARS).lower(): share(e.confidence or 0.0) for e in named}


def find_celebrities(answer: Answer, _: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection for each known face, under its name, and `face` for the others."""
    for known in answer.celebrity_faces or ():
        yield detect(
            known.name,
            known.match_confidence,
            known.face.bounding_box if known.face else None,
            celebrity_id=printable(known.id or "", MAX_NAME_CHARS),
            urls=[printable(url, MAX_LABEL_CHARS) for url in (known.urls or [])[:MAX_NAMES]],
            known_gender=known.known_gender and printable(known.known_gender.type or "", MAX_NAME_CHARS),
        )
    for face in answer.unrecognized_faces or ():
        yield _face(face, recognized=False)


def find_moderation(answer: Answer, _: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection without a box for each label, with the one above it and its level."""
    for found in answer.moderation_labels or ():
        parent = printable(found.parent_name or "", MAX_NAME_CHARS)
        yield detect(found.name, found.confidence, None, parent=parent, taxonomy_level=found.taxonomy_level)


def find_custom_labels(answer: Answer, _: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection for each label; those of a model for whole pictures have no box."""
    for found in answer.custom_labels or ():
        geometry = found.geometry
        box = geometry.bounding_box if geometry else None
        yield detect(found.name, found.confidence, box, polygon=_polygon(geometry))


def find_same_face(answer: Answer, settings: RekognitionSettings) -> Iterator[Detection]:
    """Return a detection for each face that is the one looked for, and `face` for the others."""
    for match in answer.face_matches or ():
        face = match.face
        sure = share(face.confidence or 0.0) if face else None
        box = face.bounding_box if face else None
        yield detect(settings.compare_name, match.similarity, box, face_confidence=sure)
    for other in answer.unmatched_faces or ():
        yield _face(other, matched=False)


def find_collected_faces(answer: SearchAnswer) -> Iterator[Detection]:
    """Return a detection for each face of the collection that looks like the largest one in the picture."""
    for match in answer.face_matches or ():
        ids = {name: printable(i, MAX_NAME_CHARS) for name, i in _plain(match.face).items()}
        name = ids.get("external_image_id") or ids.get("user_id") or ids.get("face_id")
        yield detect(name, match.similarity, answer.searched_face_bounding_box, **ids)


FINDERS = {
    "labels": find_labels,
    "text": find_text,
    "faces": find_faces,
    "celebrities": find_celebrities,
    "moderation": find_moderation,
    "custom-labels": find_custom_labels,
    "compare-faces": find_same_face,
}
"""By operation; `search-faces` has an answer of its own."""
