"""What a reviewer does to the detections of one event, by commands in pixels of the picture. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from pydantic import ValidationError

from hub.decode.printing import quote
from hub.decode.refusal import refuse
from hub.event import Box, Detection
from hub.review.error import ReviewError
from hub.review.geometry import check_detections, redraw, relabel

Found = tuple[Detection, ...]
USAGE = {
    "l": "l NUMBER LABEL, such as: l 1 coffee cup",
    "m": "m NUMBER X Y: its left top corner, such as: m 1 120 80",
    "s": "s NUMBER WIDTH HEIGHT, such as: s 1 64 48",
    "+": "+ LABEL X Y WIDTH HEIGHT, such as: + cup 120 80 64 48; without numbers it is of the whole picture",
    "d": "d NUMBER, or d all, such as: d 2",
}
"""How each command is written; coordinates are in pixels from the picture's left top corner."""
ALL = "all"


class Sheet:
    """The detections as a reviewer changes them; every change can be taken back.

    Args:
        found: What was detected.
        size: Width and height of the picture in pixels; None where there is none.
    """

    def __init__(self, found: Found, size: tuple[int, int] | None) -> None:
        self._found = found
        self._size = size
        self._states: list[Found] = [found]

    @property
    def detections(self) -> Found:
        """As they are now."""
        return self._states[-1]

    @property
    def is_changed(self) -> bool:
        """Whether they are other than what was detected."""
        return self.detections != self._found

    def change(self, command: str, text: str) -> None:
        """Obey a command of USAGE.

        Raises:
            ReviewError: It is written otherwise, names no detection, or would leave a box that cannot be.
        """
        work: dict[str, Callable[[list[str]], Sequence[Detection]]] = {
            "l": self._relabel,
            "m": self._move,
            "s": self._resize,
            "+": self._add,
            "d": self._delete,
        }
        try:
            after = work[command](text.split())
        except ValidationError as error:
            raise ReviewError(refuse(error).reason) from error
        except (IndexError, ValueError) as error:
            raise ReviewError(f"not understood: {quote(text)}; write {USAGE[command]}") from error
        self._states.append(check_detections(after, self._found, self._size))

    def take_back(self) -> bool:
        """Take back the last change; return whether there was one."""
        if len(self._states) == 1:
            return False
        self._states.pop()
        return True

    def _relabel(self, words: list[str]) -> Sequence[Detection]:
        number, label = words[0], " ".join(words[1:])
        if not label:
            raise ValueError("no label")
        return self._replace(number, lambda one: relabel(one, label))

    def _move(self, words: list[str]) -> Sequence[Detection]:
        number, *rest = words
        x, y = map(_read_number, rest)
        width, height = self._sides
        return self._replace(
            number, lambda one: _redraw(one, lambda box: {"left": x / width, "top": y / height})
        )

    def _resize(self, words: list[str]) -> Sequence[Detection]:
        number, *rest = words
        across, down = map(_read_number, rest)
        width, height = self._sides
        if across <= 0 or down <= 0:
            raise ReviewError(f"a box of {across:g} x {down:g} pixels has no area")
        sides = {"width": across / width, "height": down / height}
        return self._replace(number, lambda one: _redraw(one, lambda box: sides))

    def _add(self, words: list[str]) -> Sequence[Detection]:
        numbers = [_read_number(word) for word in words[-4:]] if len(words) > 4 else None
        named = words if numbers is None else words[:-4]
        if not named or all(map(_is_number, named)):
            raise ValueError("no label")
        if numbers is None and len(named) > 1 and _is_number(named[-1]):
            raise ValueError("a box of fewer than four numbers")
        label = " ".join(named)
        box = None if numbers is None else self._make_box(*numbers)
        return (*self.detections, Detection(label=label, confidence=1.0, box=box))

    def _make_box(self, x: float, y: float, across: float, down: float) -> Box:
        width, height = self._sides
        if across <= 0 or down <= 0:
            raise ReviewError(f"a box of {across:g} x {down:g} pixels has no area")
        return Box(left=x / width, top=y / height, width=across / width, height=down / height)

    def _delete(self, words: list[str]) -> Sequence[Detection]:
        (number,) = words
        if number == ALL:
            return ()
        index = self._find(number)
        return [one for position, one in enumerate(self.detections) if position != index]

    def _replace(self, number: str, change: Callable[[Detection], Detection]) -> Sequence[Detection]:
        index = self._find(number)
        return [change(one) if position == index else one for position, one in enumerate(self.detections)]

    def _find(self, number: str) -> int:
        index = int(number) - 1
        if not 0 <= index < len(self.detections):
            raise ReviewError(
                f"there is no {index + 1}: the detections are numbered 1 to {len(self.detections)}"
            )
        return index

    @property
    def _sides(self) -> tuple[int, int]:
        if self._size is None:
            raise ReviewError("the event has no picture, so its pixels are not known")
        return self._size


def _redraw(found: Detection, change: Callable[[Box], dict[str, float]]) -> Detection:
    if found.box is None:
        raise ReviewError(f"{found.label!r} is of the whole picture; delete it, and add one with a box")
    return redraw(found, Box.model_validate({**found.box.__dict__, **change(found.box)}))


def _is_number(word: str) -> bool:
    """Whether a word would be read as a number, in the digits of whatever script."""
    try:
        float(word)
    except ValueError:
        return word.isnumeric()
    return True


def _read_number(word: str) -> float:
    number = float(word)
    if not isfinite(number):
        raise ValueError("not a number")
    return number
