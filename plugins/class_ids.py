"""Numbers the labels of a training set: the same label keeps its number over restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from hub.errors import DeliveryError
from hub.event import Detection
from hub.plugin import Reject
from plugins.archive_place import Place

FILE = "classes.json"
MAX_CLASSES = 1000


class ClassIds:
    """A detection's own class id comes first, then the place of its label in `labels`, then first sight.

    Ids given on first sight are kept in classes.json; they avoid those of `labels` and those of models seen.
    """

    def __init__(self, labels: Sequence[str], place: Place) -> None:
        self._listed = {label: number for number, label in enumerate(labels)}
        self._place = place
        self._kept: dict[str, int] | None = None
        self._turn = asyncio.Lock()

    async def number(self, detections: Sequence[Detection]) -> list[int]:
        """Return the class id of each detection.

        Raises:
            Reject: There are more than `MAX_CLASSES` labels already.
            DeliveryError: classes.json was changed and cannot be read.
        """
        async with self._turn:
            kept = dict(await self._read())
            numbers = [self._number(detection, kept) for detection in detections]
            if kept != self._kept:
                text = json.dumps(kept, ensure_ascii=False, indent=1)
                await self._place.replace(FILE, text.encode() + b"\n", "application/json")
                self._kept = kept
            return numbers

    async def _read(self) -> dict[str, int]:
        if self._kept is None:
            data = await self._place.read(FILE)
            self._kept = {} if data is None else self._parse(data)
        return self._kept

    def _parse(self, data: bytes) -> dict[str, int]:
        try:
            found = {str(label): int(number) for label, number in json.loads(data).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise DeliveryError(
                f"{self._place.name}/{FILE}: is not an object of label: class id; correct or remove it"
            ) from error
        return found

    def _number(self, detection: Detection, kept: dict[str, int]) -> int:
        label = detection.label
        number = detection.class_id
        if number is None:
            number = self._listed.get(label, kept.get(label))
        if number is None:
            taken = {*kept.values(), *self._listed.values()}
            number = next(free for free in range(len(taken) + 1) if free not in taken)
        if label not in kept:
            if len(kept) >= MAX_CLASSES:
                raise Reject(
                    f"{label!r} would be class {len(kept) + 1}; a training set has at most {MAX_CLASSES}"
                )
            kept[label] = number
        return number
