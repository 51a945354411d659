"""A reviewer's session: event after event, until nothing waits or the reviewer stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.console import Console

from hub.cli.reviewing.board import HELP, KEYS, show_task
from hub.cli.reviewing.keys import Commands
from hub.cli.reviewing.viewer import Viewer
from hub.cli.shared import as_shown
from hub.review.desk import Desk, Standpoint, Task
from hub.review.editing import USAGE, Sheet
from hub.review.error import HeldError, ReviewError
from hub.review.reviewer import check_note
from hub.store.review_queue import MOST_COUNTED, ReviewFilter

Result = TypeVar("Result")
QUIT = "q"
MOST_SAID = 400  # signs of a refusal, which repeats what was refused


@dataclass(frozen=True, slots=True)
class Wish:
    """What a session is about.

    Attributes:
        disputed: Only what other reviewers do not agree on.
        limit: So many events at most.
    """

    reviewer: str
    wanted: ReviewFilter
    disputed: bool = False
    limit: int | None = None


@dataclass(slots=True)
class Done:
    """What came of a session: verdicts by their name, the events in order, and how many commands did nothing.

    Attributes:
        unused: Of a script, that were left when nothing waited any more.
    """

    verdicts: dict[str, int] = field(default_factory=dict)
    last: list[int] = field(default_factory=list)
    refused: int = 0
    unused: int = 0

    def add(self, event_id: int, verdict: str) -> None:
        """Count a verdict."""
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        self.last.append(event_id)

    def take_back(self, verdict: str) -> None:
        """Count one less."""
        self.verdicts[verdict] = self.verdicts.get(verdict, 1) - 1
        self.last.pop()


class Session:
    """Shows events and takes commands.

    Args:
        runner: Runs what the desk does; keys are read between, so that Ctrl-C stops at once.
        viewer: Where pictures are opened; None: they are drawn here.
    """

    def __init__(
        self,
        desk: Desk,
        wish: Wish,
        commands: Commands,
        console: Console,
        runner: asyncio.Runner,
        viewer: Viewer | None,
    ) -> None:
        self._desk, self._wish, self._commands = desk, wish, commands
        self._console, self._runner, self._viewer = console, runner, viewer
        self._draws = viewer is None and console.color_system is not None
        self._sheet = Sheet((), None)
        self._note = ""
        self._began = 0.0
        self._again: Task | None = None
        self.done = Done()

    def run(self) -> Done:
        """Review until nothing waits, or the reviewer stops; give back what is held."""
        try:
            start = self._run(self._desk.count(self._wish.reviewer, self._wish.wanted))
            waiting = start.disputed if self._wish.disputed else start.waiting
            total = waiting if self._wish.limit is None else min(waiting, self._wish.limit)
            task = self._take() if total else None
            while task is not None and self._review(task, total, start):
                task = None if self._is_enough() else self._next()
            if task is None:
                self._end()
        finally:
            self._run(self._desk.release(self._wish.reviewer))
        return self.done

    def _end(self) -> None:
        """Say why there is nothing more; of a script's lines that are left, how many."""
        if self._is_enough():
            self._say("That is all you asked for.", "green")
            return
        wish = self._wish
        elsewhere = None if wish.disputed else self._run(tell_others(self._desk, wish.reviewer, wish.wanted))
        self._say(elsewhere or "Nothing waits.", "green")
        self.done.unused = self._commands.count_left()
        if self.done.unused:
            self._say(f"lines that were not used: {self.done.unused}", "red")

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def _is_enough(self) -> bool:
        return self._wish.limit is not None and len(self.done.last) >= self._wish.limit

    def _take(self) -> Task | None:
        wish = self._wish
        if wish.disputed:
            found = self._run(self._desk.take_disputed(wish.reviewer))
        else:
            found = self._run(self._desk.take(wish.reviewer, wish.wanted))
        return found[0] if found else None

    def _next(self) -> Task | None:
        if self._again is not None:
            task, self._again = self._again, None
            return task
        return self._take()

    def _review(self, task: Task, total: int, start: Standpoint) -> bool:
        """Show one event and obey until something is said of it; return whether to go on."""
        self._sheet, self._note, self._began = Sheet(task.event.detections, task.size), "", time.monotonic()
        self._show(task, total, start)
        while True:
            try:
                command, text = self._commands.read()
                ended = self._obey(task, command, text)
            except HeldError as error:
                self._say(str(error), "yellow")
                return True
            except ReviewError as error:
                self.done.refused += 1
                self._say(_bound(str(error)), "red")
                continue
            if ended is not None:
                return ended
            if command in USAGE or command in {"n", "u"}:
                self._show(task, total, start)

    def _show(self, task: Task, total: int, start: Standpoint) -> None:
        done = len(self.done.last)
        progress = f"{done + 1} of {max(total, done + 1)}, today {start.today + self._count_done()}"
        shown = self._sheet.detections
        if self._viewer is not None and task.picture is not None:
            try:
                self._viewer.show(task.picture, shown)
            except ReviewError as error:
                self._say(str(error), "yellow")
        elif task.picture is not None and not self._draws and not task.picture.exists():
            self._say(f"its picture is gone ({task.picture})", "yellow")
        show_task(self._console, task, shown, progress, self._note, picture=self._draws)
        if self._commands.interactive:
            self._say(KEYS, "dim")

    def _count_done(self) -> int:
        return sum(count for verdict, count in self.done.verdicts.items() if verdict != "skipped")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(as_shown(text), style=style or None)

    def _obey(self, task: Task, command: str, text: str) -> bool | None:
        """Obey a command; return whether to go on with the next event, or None to stay with this one."""
        if text and command not in USAGE and command != "n":
            raise ReviewError(f"{command + text!r} is no command; ? lists them")
        if command == QUIT:
            return False
        if command in {"a", "r", " "}:
            self._judge(task, command)
            return True
        if command == "u":
            return self._undo()
        if command == "n":
            self._note = check_note(text or self._commands.ask("n TEXT"))
        elif command in USAGE:
            if rest := text or self._commands.ask(USAGE[command]):
                self._sheet.change(command, rest)
        elif command == "?":
            self._say(HELP)
        else:
            raise ReviewError(f"{command!r} is no command; ? lists them")
        return None

    def _judge(self, task: Task, command: str) -> None:
        event_id, who = task.event.id, self._wish.reviewer
        seconds, note = round(time.monotonic() - self._began, 1), self._note
        if command == " ":
            verdict = "skipped"
            self._run(self._desk.skip(event_id, who, seconds=seconds))
        elif command == "r":
            verdict = "rejected"
            self._run(self._desk.reject(event_id, who, note=note, seconds=seconds))
        elif self._sheet.is_changed:
            verdict = "corrected"
            found = self._sheet.detections
            self._run(self._desk.correct(event_id, who, found, note=note, seconds=seconds))
        else:
            verdict = "accepted"
            self._run(self._desk.accept(event_id, who, note=note, seconds=seconds))
        self.done.add(event_id, verdict)
        self._say(f"event {event_id}: {verdict}", "green")

    def _undo(self) -> bool | None:
        """Take back the last change, or else the last verdict of this session, whose event comes again."""
        if self._sheet.take_back():
            return None
        if not self.done.last:
            raise ReviewError("nothing to undo here; `lenshub review undo` takes back earlier verdicts")
        word = self._run(self._desk.undo(self._wish.reviewer, self.done.last[-1]))
        self.done.take_back(word.verdict)
        self._again = self._run(self._desk.look(word.event_id))
        self._say(f"event {word.event_id}: no longer {word.verdict}", "yellow")
        return True


async def tell_others(desk: Desk, reviewer: str, wanted: ReviewFilter) -> str | None:
    """Return where other pictures wait than those that were captured, or None."""
    if wanted.every or wanted.reason is not None or not (count := await desk.count_others(reviewer, wanted)):
        return None
    others = f"more than {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"
    return (
        f"Nothing that a strategy chose waits; {others} other picture{'s' * (count > 1)}: "
        "`lenshub review --all` (docs/review.md)."
    )


def _bound(text: str) -> str:
    """Return a text, if it is long without its middle: what to do stands at the end."""
    half = MOST_SAID // 2
    return text if len(text) <= MOST_SAID else f"{text[:half]} ... {text[-half:]}"
