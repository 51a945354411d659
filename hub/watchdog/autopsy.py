"""Looks, at the start, at how the last run ended, and holds back who ended it."""

from __future__ import annotations

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.watchdog import presence, steps
from hub.watchdog.held_back import DEATHS, HeldBack

log = logging.getLogger(__name__)

FATAL_NAME = "fatal-error.txt"


def examine_last_run(data_dir: Path, held: HeldBack) -> None:
    """Hold back who was on the loop when Python died of a fatal error, or the hub died repeatedly.

    A hub that was killed once says nothing about whose code ran that moment. That the disk is full is logged,
    and keeps no hub from starting.
    """
    try:
        _examine(data_dir, held)
    except OSError as error:
        told = "hub.died: how the last run ended could not be read or written down: %s"
        log.error(told, error)  # noqa: TRY400 - all is said


def _examine(data_dir: Path, held: HeldBack) -> None:
    found = presence.find_last(data_dir / presence.FILE_NAME)
    fatal, in_a_step = _read_fatal(data_dir / FATAL_NAME)
    if fatal and not (found and in_a_step):
        log.warning("hub.died: Python died in the last run, in no plugin's delivery: %s", fatal)
    if found is None:
        return
    deaths = held.suspect(found.name, found.event_id)
    at = f" while it delivered event {found.event_id}" if found.event_id else ""
    if fatal and in_a_step:
        held.hold(found.name, f"Python died{at}: {fatal}")
    elif deaths >= DEATHS and found.event_id:
        held.hold(found.name, f"the hub died {deaths} times in a row{at}")
    else:
        log.warning("hub.died: the last run ended without stopping; plugin %s was running%s", found.name, at)


def _read_fatal(path: Path) -> tuple[str, bool]:
    """Return what Python died of, "" for nothing, and whether the thread that did was in a plugin's step."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return "", False
    _, _, after = text.partition("Current thread")
    return text.strip().partition("\n")[0][:200], steps.__file__ in after.partition("\n\n")[0]


@contextmanager
def note_fatal_errors(data_dir: Path) -> Iterator[None]:
    """Have Python write down where it died of a segmentation fault and the like."""
    if faulthandler.is_enabled():
        yield  # whoever embeds the hub has it elsewhere
        return
    with (data_dir / FATAL_NAME).open("w") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()
