"""Notes which plugin ends the hub, before it does: the ways out that Python code has are watched.

Who ends the process by other means, a bug in C code or a signal from another program, is not seen here: see
`autopsy`.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from hub.watchdog.held_back import HeldBack
from hub.watchdog.steps import PLACE

_RUNNER = str(Path(__file__).parents[1] / "dispatch" / "runner.py")
HARMLESS = {0, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}


def _ends_me(arguments: tuple[Any, ...]) -> bool:
    return len(arguments) == 2 and arguments[0] in {os.getpid(), 0} and arguments[1] not in HARMLESS


_WAYS: tuple[tuple[Any, str, Callable[[tuple[Any, ...]], bool]], ...] = (
    (os, "_exit", lambda arguments: True),
    (os, "abort", lambda arguments: True),
    (os, "kill", _ends_me),
    (signal, "raise_signal", lambda arguments: arguments[:1] != () and arguments[0] not in HARMLESS),
)


@contextmanager
def watch_exits(held: HeldBack) -> Iterator[None]:
    """Hold back the plugin whose code calls os._exit, os.abort, or sends the hub a deadly signal."""
    originals = [(place, name, getattr(place, name)) for place, name, _ in _WAYS]
    for (place, name, original), (_, _, is_deadly) in zip(originals, _WAYS, strict=True):
        setattr(place, name, _watched(f"{place.__name__}.{name}", original, is_deadly, held))
    try:
        yield
    finally:
        for place, name, original in originals:
            setattr(place, name, original)


def _watched(
    name: str, original: Callable[..., Any], is_deadly: Callable[[tuple[Any, ...]], bool], held: HeldBack
) -> Callable[..., Any]:
    hub = os.getpid()

    def watched(*arguments: Any, **named: Any) -> Any:
        place = PLACE.get()
        if place is not None and os.getpid() == hub and is_deadly((*arguments, *named.values())):
            at = f" while it delivered event {place.event_id}" if place.event_id else ""
            caller = where(traceback.extract_stack(sys._getframe(1)))  # noqa: SLF001 - the only way there is
            held.try_hold(place.name, f"its code called {name}{at}, in {caller}")
        return original(*arguments, **named)

    return watched


def where(stack: traceback.StackSummary, frames: int = 3) -> str:
    """Return the innermost frames of a stack in one line, the innermost first, as far as the hub's own."""
    inner = list(takewhile(lambda frame: frame.filename != _RUNNER, reversed(stack)))[:frames]
    return " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in inner)
