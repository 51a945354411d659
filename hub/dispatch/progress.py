"""How far one plugin has come: the deliveries under way, and the cursor that follows from them. Pure."""

from __future__ import annotations

from typing import Literal

Ending = Literal["done", "filtered", "row"]
"""How an event was passed: delivered or not wanted (both only counted), or remembered as a row."""


class Progress:
    """Tracks events taken in order of id and ended in any order.

    `cursor` is the highest id up to which every event has ended; `done` and `filtered` count those up to it,
    so that after a crash nothing is counted twice. `committed` is the cursor that is known to be durable.
    """

    def __init__(self, position: int, done: int = 0, filtered: int = 0) -> None:
        self.cursor = self.taken = self.committed = position
        self.counts: dict[Ending, int] = {"done": done, "filtered": filtered, "row": 0}
        self._endings: dict[int, Ending | None] = {}
        self._stretches: dict[int, int] = {}

    @property
    def ahead(self) -> int:
        """How many events a crash now would repeat at most."""
        return self.taken - self.committed

    def take(self, event_id: int) -> None:
        """Begin an event; ids only grow."""
        self.taken = event_id
        self._endings[event_id] = None

    def end(self, event_id: int, ending: Ending) -> None:
        """End an event that was taken; an event that the cursor has already passed is left alone."""
        if event_id not in self._endings:
            return
        self._endings[event_id] = ending
        while self._endings:
            first = next(iter(self._endings))
            passed = self._endings[first]
            if passed is None:
                return
            del self._endings[first]
            self.cursor = first
            self.counts[passed] += self._stretches.pop(first, 1)

    def pass_over(self, up_to: int, count: int) -> bool:
        """Take and end at once a stretch of `count` events that are not wanted; return whether there was one.

        It costs the same however many they are.
        """
        if up_to <= self.taken:
            return False
        self.take(up_to)
        self._stretches[up_to] = count
        self.end(up_to, "filtered")
        return True
