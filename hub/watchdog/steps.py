"""Marks every step of a plugin's tasks on the loop, so that it is known whose code runs.

A task's code runs in steps, from one `await` that waits to the next. A task made in a plugin's context is
that plugin's, and so are the tasks that it makes in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol

from hub.watchdog.presence import EVENT, ON_LOOP, STEP, Presence

PRESENCE: ContextVar[Presence | None] = ContextVar("PRESENCE", default=None)
"""Set where the hub is wired; without it nothing is marked."""


class Shown(Protocol):
    """Where it is shown who is on the loop."""

    cells: memoryview

    def number(self, name: str) -> int:
        """Return an instance's number."""
        ...


class Place:
    """One worker of one instance, with the event that it delivers."""

    __slots__ = ("cells", "event_id", "name", "number")

    def __init__(self, presence: Shown, name: str) -> None:
        self.cells = presence.cells
        self.name = name
        self.number = presence.number(name)
        self.event_id = 0


PLACE: ContextVar[Place | None] = ContextVar("PLACE", default=None)


def context_for(name: str, shown: Shown | None = None) -> Context:
    """Return a context for a new task of an instance; its steps are marked if there is a place to."""
    context = copy_context()
    if (shown := shown or PRESENCE.get()) is not None:
        context.run(PLACE.set, Place(shown, name))
    return context


def mark_event(event_id: int) -> None:
    """Mark the event that the current task is about to deliver."""
    if (place := PLACE.get()) is not None:
        place.event_id = place.cells[EVENT] = event_id


class Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that marks its place for as long as each of its steps takes."""

    __slots__ = ("_inner", "_place")

    def __init__(self, inner: Coroutine[Any, Any, Any], place: Place) -> None:
        self._inner = inner
        self._place = place

    def _enter(self) -> None:
        place = self._place
        cells = place.cells
        cells[STEP] += 1
        cells[EVENT] = place.event_id
        cells[ON_LOOP] = place.number

    def send(self, value: Any) -> Any:
        """Run the next step."""
        self._enter()
        try:
            return self._inner.send(value)
        finally:
            self._place.cells[ON_LOOP] = 0

    def throw(self, *error: Any) -> Any:
        """Run the next step with an exception."""
        self._enter()
        try:
            return self._inner.throw(*error)
        finally:
            self._place.cells[ON_LOOP] = 0

    def close(self) -> None:
        """End it."""
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    @property
    def cr_frame(self) -> Any:
        """The frame, for those who print a task's stack."""
        return getattr(self._inner, "cr_frame", None)


def make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """Make a task whose steps are marked if it belongs to a plugin: the loop's task factory."""
    context: Context | None = options.get("context")
    place = PLACE.get() if context is None else context.get(PLACE)
    marked = coroutine if place is None else Stepped(coroutine, place)
    return asyncio.Task(marked, loop=loop, **options)
