"""Watches the event loop from a thread: says who blocks it, and holds back who goes on blocking it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hub.watchdog.exits import where
from hub.watchdog.held_back import HeldBack
from hub.watchdog.presence import STEP, Found, Presence
from hub.watchdog.settings import WatchdogSettings

log = logging.getLogger(__name__)

TICK_S = 0.1
FRAMES = 6
EXIT_BLOCKED = 75  # EX_TEMPFAIL: a service manager starts the hub again


class Watchdog:
    """Asks the loop ten times a second whether it still runs.

    Time is counted in ticks of the watching thread, so that nobody is blamed for a machine or process that
    stood still for a while.

    Args:
        told_blocked: Called on the loop, once it runs again, with the instance that blocked it and a text.
    """

    def __init__(
        self,
        presence: Presence,
        held: HeldBack,
        settings: WatchdogSettings,
        told_blocked: Callable[[str, str], None],
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._presence = presence
        self.held = held
        self._settings = settings
        self._told_blocked = told_blocked
        self._leave = leave
        self._stop = threading.Event()
        self._answered = True
        self._late_s = self._stuck_s = 0.0
        self._step = 0
        self._report: tuple[Found | None, str] | None = None
        self._is_held = False

    def follow(self, settings: WatchdogSettings) -> None:
        """Go by other settings from now on: hub.toml was read again."""
        self._settings = settings

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch the running loop, which must be this thread's."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            if self._answered:
                self._begin_again()
            else:
                self._count()

    def _begin_again(self) -> None:
        if self._report is not None:
            found, text = self._report
            log.warning("loop.free after %.1f s", self._late_s)
            if found is not None:
                where = text.partition(" < ")[0]  # the log has who called it
                told = f"blocked the hub for {self._late_s:.1f} s{_at(found)}, in {where}"
                self._call(self._told_blocked, found.name, told)
        self._late_s = self._stuck_s = 0.0
        self._report, self._is_held, self._answered = None, False, False
        self._step = self._presence.cells[STEP]
        self._call(self._answer)

    def _call(self, called: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop was closed this moment: the hub has stopped
            self._loop.call_soon_threadsafe(called, *arguments)

    def _answer(self) -> None:
        self._answered = True

    def _count(self) -> None:
        """Count one more tick without an answer; `stuck` is the part of it in one and the same step."""
        self._late_s += TICK_S
        step = self._presence.cells[STEP]
        self._stuck_s = self._stuck_s + TICK_S if step == self._step else 0.0
        self._step = step
        found = self._presence.find()
        if self._late_s >= self._settings.blocked_after_s and self._report is None:
            self._say(found)
        if found is None:
            return
        if self._stuck_s >= self._settings.hold_back_after_s and not self._is_held:
            self._hold(found)
        if self._stuck_s >= self._settings.end_after_s:
            log.error("hub.ended: %s blocked the hub for %.0f s; start it again", found.name, self._stuck_s)
            self._leave(EXIT_BLOCKED)

    def _say(self, found: Found | None) -> None:
        text = self._where()
        self._report = found, text
        who = f"plugin {found.name}{_at(found)}" if found else "the hub itself"
        log.error("loop.blocked for %.1f s by %s, in %s", self._late_s, who, text)

    def _where(self) -> str:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the only way there is
        return where(traceback.extract_stack(frame), FRAMES) if frame else "an unknown place"

    def _hold(self, found: Found) -> None:
        self._is_held = True
        reason = f"it blocked the hub for more than {self._stuck_s:.0f} s{_at(found)}, in {self._where()}"
        self.held.try_hold(found.name, reason)


def _at(found: Found) -> str:
    return f" at event {found.event_id}" if found.event_id else ""
