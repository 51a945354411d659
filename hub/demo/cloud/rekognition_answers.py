"""What the local Rekognition says of a picture when nobody told it what to say: one believable body each."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

MODEL = "3.0"
FACE_MODEL = "7.0"
CORNERS = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")


def _box(left: float, top: float, width: float, height: float) -> Body:
    return {"Left": left, "Top": top, "Width": width, "Height": height}


def _polygon(left: float, top: float, width: float, height: float) -> list[Body]:
    right, bottom = left + width, top + height
    return [{"X": x, "Y": y} for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]


def _geometry(*box: float) -> Body:
    return {"BoundingBox": _box(*box), "Polygon": _polygon(*box)}


def _yes(value: bool, confidence: float = 99.1) -> Body:
    return {"Value": value, "Confidence": confidence}


def _face(*box: float) -> Body:
    left, top, width, height = box
    marks = [
        {"Type": name, "X": left + width * (0.2 + 0.15 * place), "Y": top + height / 2}
        for place, name in enumerate(CORNERS)
    ]
    return {
        "BoundingBox": _box(*box),
        "Confidence": 99.98,
        "Landmarks": marks,
        "Pose": {"Roll": -1.2, "Yaw": 6.4, "Pitch": 2.5},
        "Quality": {"Brightness": 78.2, "Sharpness": 86.9},
    }


def _attributes() -> Body:
    return {
        "AgeRange": {"Low": 26, "High": 34},
        "Smile": _yes(True, 97.2),
        "Eyeglasses": _yes(False),
        "Sunglasses": _yes(False),
        "Gender": {"Value": "Female", "Confidence": 99.6},
        "Beard": _yes(False),
        "Mustache": _yes(False),
        "EyesOpen": _yes(True),
        "MouthOpen": _yes(True, 81.5),
        "Emotions": [{"Type": "HAPPY", "Confidence": 98.3}, {"Type": "CALM", "Confidence": 0.9}],
        "FaceOccluded": _yes(False),
        "EyeDirection": {"Yaw": 3.1, "Pitch": -4.0, "Confidence": 99.9},
    }


def _label(name: str, confidence: float, parents: tuple[str, ...], *boxes: Body) -> Body:
    return {
        "Name": name,
        "Confidence": confidence,
        "Instances": [{"BoundingBox": box, "Confidence": confidence} for box in boxes],
        "Parents": [{"Name": parent} for parent in parents],
        "Aliases": [],
        "Categories": [{"Name": "Animals and Pets" if parents else "Nature and Outdoors"}],
    }


def _text(number: int, kind: str, text: str, parent: int | None, *box: float) -> Body:
    belongs = {} if parent is None else {"ParentId": parent}
    said = {"DetectedText": text, "Type": kind, "Id": number, "Confidence": 99.4}
    return said | belongs | {"Geometry": _geometry(*box)}


def labels() -> Body:
    """Return an animal with a box that reaches outside, and a scene without one."""
    dog = _label("Dog", 97.4, ("Mammal", "Animal"), _box(-0.02, 0.35, 0.4, 0.5))
    return {"Labels": [dog, _label("Outdoors", 91.2, ())], "LabelModelVersion": MODEL}


def text() -> Body:
    """Return one line of two words, said twice as Rekognition does."""
    found = [
        _text(0, "LINE", "OPEN DOOR", None, 0.1, 0.1, 0.5, 0.1),
        _text(1, "WORD", "OPEN", 0, 0.1, 0.1, 0.22, 0.1),
        _text(2, "WORD", "DOOR", 0, 0.36, 0.1, 0.24, 0.1),
    ]
    return {"TextDetections": found, "TextModelVersion": MODEL}


def faces() -> Body:
    """Return one face with all its attributes."""
    return {"FaceDetails": [_face(0.4, 0.2, 0.2, 0.3) | _attributes()]}


def celebrities() -> Body:
    """Return one known and one unknown face."""
    known = {
        "Urls": ["www.wikidata.org/wiki/Q2263"],
        "Name": "Ada Lovelace",
        "Id": "3Ir0du6",
        "Face": _face(0.4, 0.2, 0.2, 0.3),
        "MatchConfidence": 98.0,
        "KnownGender": {"Type": "Female"},
    }
    return {"CelebrityFaces": [known], "UnrecognizedFaces": [_face(0.7, 0.2, 0.1, 0.2)]}


def moderation() -> Body:
    """Return a label of the second level and the one above it."""
    found = [
        {"Name": "Weapons", "ParentName": "Violence", "TaxonomyLevel": 2, "Confidence": 88.1},
        {"Name": "Violence", "ParentName": "", "TaxonomyLevel": 1, "Confidence": 88.1},
    ]
    return {"ModerationLabels": found, "ModerationModelVersion": "7.0", "ContentTypes": []}


def compare() -> Body:
    """Return one face that matches the source and one that does not."""
    return {
        "SourceImageFace": {"BoundingBox": _box(0.3, 0.2, 0.3, 0.4), "Confidence": 99.9},
        "FaceMatches": [{"Similarity": 96.5, "Face": _face(0.4, 0.2, 0.2, 0.3)}],
        "UnmatchedFaces": [_face(0.7, 0.2, 0.1, 0.2)],
    }


def search() -> Body:
    """Return one face of the collection."""
    face = {
        "FaceId": "11111111-2222-3333-4444-555555555555",
        "BoundingBox": _box(0.1, 0.1, 0.3, 0.3),
        "ImageId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "ExternalImageId": "ann",
        "Confidence": 99.9,
        "IndexFacesModelVersion": FACE_MODEL,
    }
    return {
        "SearchedFaceBoundingBox": _box(0.4, 0.2, 0.2, 0.3),
        "SearchedFaceConfidence": 99.9,
        "FaceMatches": [{"Similarity": 97.5, "Face": face}],
        "FaceModelVersion": FACE_MODEL,
    }


def custom_labels() -> Body:
    """Return one object and one label of the whole image."""
    found = {"Name": "lid-open", "Confidence": 93.5, "Geometry": _geometry(0.2, 0.2, 0.3, 0.3)}
    return {"CustomLabels": [found, {"Name": "faulty", "Confidence": 71.0}]}


ANSWERS = {
    "DetectLabels": labels,
    "DetectText": text,
    "DetectFaces": faces,
    "RecognizeCelebrities": celebrities,
    "DetectModerationLabels": moderation,
    "CompareFaces": compare,
    "SearchFacesByImage": search,
    "DetectCustomLabels": custom_labels,
}
