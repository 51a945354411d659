"""Boxes of reviewers: what may be kept, how alike two are, and which of two lists belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.dataset.box import judge
from hub.event import BOX_PIXELS, MAX_DETECTIONS, Box, Detection
from hub.review.error import ReviewError

NO_SIZE = (1, 1)
LEAST_PIXELS = 1 - 1e-6  # a pixel, as fractions of the picture come out


def measure_overlap(one: Box, other: Box) -> float:
    """Return the area that two boxes share by the area they cover together, 0 to 1."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return float(one == other)
    shared = width * height
    return min(1.0, shared / (one.width * one.height + other.width * other.height - shared))


@dataclass(frozen=True, slots=True)
class Pair:
    """What two reviewers said of one thing, None who did not see it; `overlap` is None without boxes."""

    one: Detection | None
    other: Detection | None
    overlap: float | None = None

    @property
    def is_same(self) -> bool:
        """Whether both have it, under the same label."""
        return self.one is not None and self.other is not None and self.one.label == self.other.label


def pair_up(one: Sequence[Detection], other: Sequence[Detection], same_box: float) -> list[Pair]:
    """Return what belongs together: the boxes that overlap most first; what has no box, by its label.

    Args:
        same_box: The overlap from which on two boxes are of the same thing.
    """
    candidates = sorted(_overlaps(one, other, same_box), key=lambda c: (-c[0], not c[1], c[2], c[3]))
    found, left, right = [], dict(enumerate(one)), dict(enumerate(other))
    for overlap, _, here, there in candidates:
        if here in left and there in right:
            boxed = left[here].box is not None
            found.append(Pair(left.pop(here), right.pop(there), overlap if boxed else None))
    found += [Pair(alone, None) for alone in left.values()]
    return found + [Pair(None, alone) for alone in right.values()]


def _overlaps(
    one: Sequence[Detection], other: Sequence[Detection], same_box: float
) -> list[tuple[float, bool, int, int]]:
    found: list[tuple[float, bool, int, int]] = []
    for here, first in enumerate(one):
        for there, second in enumerate(other):
            same = first.label == second.label
            if first.box is None or second.box is None:
                if same and first.box is second.box:
                    found.append((1.0, same, here, there))
            elif (overlap := measure_overlap(first.box, second.box)) >= same_box:
                found.append((overlap, same, here, there))
    return found


def check_detections(
    said: Sequence[Detection], before: Sequence[Detection], size: tuple[int, int] | None
) -> tuple[Detection, ...]:
    """Return a reviewer's detections as they can be kept; what was there before stays bit for bit.

    A box that reaches over the edge is cut off there.

    Args:
        size: Of the picture, in pixels.

    Raises:
        ReviewError: There are too many, or a box has less than a pixel, lies outside or is no number.
    """
    if len(said) > MAX_DETECTIONS:
        raise ReviewError(f"{len(said)} boxes: an event has at most {MAX_DETECTIONS}")
    known = set(map(_key, before))
    return tuple(
        one if one.box is None or _key(one) in known else _check_box(one, number, size or NO_SIZE)
        for number, one in enumerate(said, 1)
    )


def _key(found: Detection) -> tuple[object, ...]:
    return (
        (found.box, found.label, found.confidence)
        if found.box is None
        else tuple(found.box.__dict__.values())
    )


def _check_box(found: Detection, number: int, size: tuple[int, int]) -> Detection:
    if found.box is None:
        return found
    corners = found.box.corners_in(*size)
    kept, fault = judge(corners, size)
    if kept is None:
        said = f"{fault.code}, {fault.said}" if fault else "cannot be used"
        raise ReviewError(f"box {number} ({found.label!r}): {said}")
    xmin, ymin, xmax, ymax = kept.corners
    if size != NO_SIZE and min(xmax - xmin, ymax - ymin) < LEAST_PIXELS:
        across, down = xmax - xmin, ymax - ymin
        raise ReviewError(
            f"box {number} ({found.label!r}): {across:.3g} x {down:.3g} pixels of it are in the picture; "
            "at least 1 x 1 must be"
        )
    if fault is None:
        return found
    cut = Box.from_corners(xmin / size[0], ymin / size[1], xmax / size[0], ymax / size[1])
    return found.model_copy(update={"box": cut})


def redraw(found: Detection, box: Box) -> Detection:
    """Return a detection with another box; what its sender said of the old one in pixels is dropped."""
    attributes = {name: value for name, value in found.attributes.items() if name != BOX_PIXELS}
    return found.model_copy(update={"box": box, "attributes": attributes})


def relabel(found: Detection, label: str) -> Detection:
    """Return a detection with another label, of which a person is sure; the model's class is dropped."""
    return Detection.model_validate({**found.__dict__, "label": label, "confidence": 1.0, "class_id": None})
