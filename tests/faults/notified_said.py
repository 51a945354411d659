"""What a queue is filled with: notifications of good pictures, the same again, and poison."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle

import cv2
import numpy as np

from hub.demo.cloud.notice import TEST_EVENT, WAYS

BUCKET = "photos"
POISON_SHARE = 0.1
PROSE = b"Somebody wrote down what the picture shows."


@dataclass
class Said:
    """Messages in the order sent, and what must become of them.

    Attributes:
        objects: What lies in the bucket.
        good: How many distinct pictures there are.
        refused: By code.
        silent: Messages of which nothing is kept.
    """

    messages: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    good: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    silent: int = 0

    def add_picture(self, dice: random.Random) -> list[str]:
        """Put a picture into the bucket; return the messages that could each tell of it."""
        key, sequencer = f"street {self.good % 7}/a+{self.good:05}.jpg", f"{self.good:016X}"
        self.objects[key] = _picture(self.good)
        self.good += 1
        told = [way(BUCKET, key, sequencer) for way in WAYS]
        dice.shuffle(told)
        self.messages.append(told[0])
        return told

    def add_poison(self, number: int) -> None:
        """Add a message of which no event can be made."""
        kinds: list[Callable[[int], None]] = [
            self._add_prose,
            self._add_strange,
            self._add_gone,
            self._add_no_picture,
            self._add_torn,
            self._add_test_event,
        ]
        kinds[number % len(kinds)](number)

    def _add_prose(self, _: int) -> None:
        self.messages.append("{this is no JSON")
        self.refused["bad_notification"] += 1

    def _add_strange(self, number: int) -> None:
        self.messages.append(json.dumps({"Records": [{"eventName": number}]}))
        self.refused["bad_notification"] += 1

    def _add_gone(self, number: int) -> None:
        self.messages.append(WAYS[number % 3](BUCKET, f"gone/{number}.jpg", "00"))
        self.refused["image_gone"] += 1

    def _add_no_picture(self, number: int) -> None:
        self._add_object(f"notes/{number}.txt", PROSE, number)
        self.refused["picture_not_jpeg"] += 1

    def _add_torn(self, number: int) -> None:
        self._add_object(f"torn/{number}.jpg", b"", number)
        self.refused["picture_empty"] += 1

    def _add_test_event(self, _: int) -> None:
        self.messages.append(TEST_EVENT)
        self.silent += 1

    def _add_object(self, key: str, data: bytes, number: int) -> None:
        self.objects[key] = data
        self.messages.append(WAYS[number % 3](BUCKET, key, f"F{number:015X}"))


def make_said(messages: int, duplicates: float, seed: int) -> Said:
    """Return so many messages, by a seed."""
    dice, said = random.Random(seed), Said()  # noqa: S311 - a plan
    poison = round(messages * POISON_SHARE)
    said.duplicates = round(messages * duplicates)
    told = [said.add_picture(dice) for _ in range(messages - poison - said.duplicates)]
    again = [dice.choice(ways) for ways, _ in zip(cycle(told), range(said.duplicates), strict=False)]
    for number in range(poison):
        said.add_poison(number)
    said.messages += again
    dice.shuffle(said.messages)
    return said


def _picture(number: int) -> bytes:
    pixels = np.full((90, 120, 3), number % 200, np.uint8)
    pixels[:, :60] = number // 200 * 20
    return bytes(cv2.imencode(".jpg", pixels)[1])
