"""What a plugin is handed in its own process: a delivery that asks for ledger and log through the pipe."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from hub.event import Event, Plain
from hub.isolation.lines import (
    Answer,
    Capture,
    Close,
    Count,
    CountEffects,
    Devices,
    Effects,
    FindCaptured,
    LabelShares,
    Lookup,
    Newest,
    Once,
    Rejected,
    SameFrame,
    as_line,
)
from hub.isolation.raised import describe, rebuild
from hub.plugin import Captured, CaptureLimit, DeviceSeen, EffectSeen, Limit, RejectedSeen, RetryLater


class Pipe:
    """The process's end of the pipe. A line is in the hub's hands before the next piece of code runs.

    So that what ended is known even if the plugin ends the process a moment later, writing blocks.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pid = os.getpid()
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Answer]] = {}

    def say(self, said: Plain) -> None:
        """Send a line; raises BrokenPipeError when the hub is gone."""
        self.leave_if_forked()
        left = memoryview(as_line(said))
        while left:
            left = left[os.write(self._descriptor, left) :]

    def leave_if_forked(self) -> None:
        """End this process if it is a child that came back from `os.fork()`: the parent goes on."""
        if os.getpid() != self._pid:
            os._exit(0)

    def next_question(self) -> int:
        """Return a number for a question."""
        return next(self._numbers)

    def ask(self, said: Once | Close | Lookup) -> asyncio.Future[Answer]:
        """Send a question; the future has the answer, or what the hub raised."""
        answer = asyncio.get_running_loop().create_future()
        self._open[said.question] = answer
        self.say(said)
        return answer

    def hear(self, answer: Answer) -> None:
        """Take an answer; one that nobody waits for any more is let go."""
        waiting = self._open.pop(answer.question, None)
        if waiting is None or waiting.done():
            return
        if answer.raised is not None:
            waiting.set_exception(rebuild(answer.raised))
        else:
            waiting.set_result(answer)


class RemoteRecall:
    """The store as the instance sees it, from its own process; see `hub.plugin.Recall`."""

    def __init__(self, number: int, pipe: Pipe) -> None:
        self._number = number
        self._pipe = pipe

    async def effects(
        self,
        *,
        key: str | None = None,
        prefix: str = "",
        group: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[EffectSeen]:
        """Return the instance's own effects, newest first; `limit` is at most 10,000 here."""
        question = self._pipe.next_question()
        asked = Effects(
            question=question,
            number=self._number,
            key=key,
            prefix=prefix,
            group=group,
            since=since,
            limit=limit,
        )
        return list((await self._pipe.ask(asked)).effects)

    async def devices(self) -> list[DeviceSeen]:
        """Return every device that was ever heard."""
        asked = Devices(question=self._pipe.next_question(), number=self._number)
        return list((await self._pipe.ask(asked)).devices)

    async def same_frame(self, event: Event) -> list[Event]:
        """Return earlier events of the same picture from the same device, newest first."""
        asked = SameFrame(question=self._pipe.next_question(), number=self._number, event=event)
        return list((await self._pipe.ask(asked)).events)

    async def newest(
        self,
        *,
        device: str | None = None,
        camera: str | None = None,
        label: str | None = None,
        min_confidence: float = 0.0,
    ) -> Event | None:
        """Return the newest event that has such a detection, or None."""
        asked = Newest(
            question=self._pipe.next_question(),
            number=self._number,
            device=device,
            camera=camera,
            label=label,
            min_confidence=min_confidence,
        )
        return next(iter((await self._pipe.ask(asked)).events), None)

    async def label_shares(self, event: Event, *, among: int = 1000) -> Mapping[str, float]:
        """Return in which share of the log's last rows up to an event each of its labels is."""
        question = self._pipe.next_question()
        asked = LabelShares(question=question, number=self._number, event=event, among=among)
        return (await self._pipe.ask(asked)).shares

    async def rejected(self, *, since: datetime, limit: int = 200) -> list[RejectedSeen]:
        """Return the events that reviewers rejected since then, newest first."""
        question = self._pipe.next_question()
        asked = Rejected(question=question, number=self._number, since=since, limit=limit)
        return list((await self._pipe.ask(asked)).rejected)


class RemoteDelivery:
    """One event on its way to one plugin, in the plugin's own process; see `hub.plugin.Delivery`."""

    def __init__(self, plugin: str, attempt: int, number: int, pipe: Pipe) -> None:
        self.plugin = plugin
        self.attempt = attempt
        self._number = number
        self._pipe = pipe

    @property
    def recall(self) -> RemoteRecall:
        """What can be looked up; see `hub.plugin.Recall`."""
        return RemoteRecall(self._number, self._pipe)

    @asynccontextmanager
    async def once(
        self,
        key: str,
        *,
        group: str = "",
        amount: float = 0.0,
        cooldown_s: float = 0.0,
        repeatable: bool = False,
        limits: Sequence[Limit] = (),
        not_after: datetime | None = None,
    ) -> AsyncIterator[None]:
        """Guard an effect that cannot be repeated; see `hub.plugin.Delivery.once`."""
        question = self._pipe.next_question()
        await self._begin(
            Once(
                question=question,
                number=self._number,
                key=key,
                group=group,
                amount=amount,
                cooldown_s=cooldown_s,
                repeatable=repeatable,
                limits=tuple(limits),
                not_after=not_after,
            )
        )
        try:
            yield
        except BaseException as error:
            closing = self._pipe.ask(Close(question=question, raised=describe(error)))
            await asyncio.wait([closing])
            closing.cancelled() or closing.exception()  # the same error, come back
            raise
        await self._pipe.ask(Close(question=question))

    async def _begin(self, asked: Once) -> None:
        try:
            await self._pipe.ask(asked)
        except asyncio.CancelledError:
            never = describe(RetryLater(0, "called off before it began"))
            self._pipe.say(Close(question=asked.question, raised=never))
            raise

    async def count_effects(self, group: str) -> int:
        """Count effects before this event's; see `hub.plugin.Delivery.count_effects`."""
        question = self._pipe.next_question()
        answer = await self._pipe.ask(CountEffects(question=question, number=self._number, group=group))
        return answer.count

    async def count_events(
        self,
        *,
        since: datetime,
        label: str | None = None,
        device: str | None = None,
        camera: str | None = None,
        min_confidence: float = 0.0,
    ) -> int:
        """Count events up to this one; see `hub.plugin.Delivery.count_events`."""
        answer = await self._pipe.ask(
            Count(
                question=self._pipe.next_question(),
                number=self._number,
                since=since,
                label=label,
                device=device,
                camera=camera,
                min_confidence=min_confidence,
            )
        )
        return answer.count

    async def captured(self) -> Captured | None:
        """Return the event's capture by this instance; see `hub.plugin.Delivery.captured`."""
        asked = FindCaptured(question=self._pipe.next_question(), number=self._number)
        return (await self._pipe.ask(asked)).captured

    async def capture(
        self,
        reasons: Sequence[str],
        *,
        score: float = 0.0,
        label: str | None = None,
        likeness: bytes | None = None,
        limits: Sequence[CaptureLimit] = (),
        near_bits: int = 12,
        near_among: int = 200,
    ) -> Captured:
        """Choose the event as training data; see `hub.plugin.Delivery.capture`."""
        asked = Capture(
            question=self._pipe.next_question(),
            number=self._number,
            reasons=tuple(reasons),
            score=score,
            label=label,
            likeness=likeness,
            limits=tuple(limits),
            near_bits=near_bits,
            near_among=near_among,
        )
        captured = (await self._pipe.ask(asked)).captured
        if captured is None:
            raise RuntimeError("the hub did not say what it captured")
        return captured
