"""What a plugin's process asks of the hub while it delivers: guarded effects, lookups. The hub's side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.dispatch.delivery import EventDelivery
from hub.event import Plain
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
    Once,
    Raised,
    Rejected,
    SameFrame,
)
from hub.isolation.raised import describe, rebuild

MOST_OPEN = 1000


@dataclass(slots=True, eq=False)
class _Guard:
    task: asyncio.Task[None]
    ended: asyncio.Future[Raised | None]
    begun: bool = False


@dataclass(slots=True, eq=False)
class Questions:
    """The open questions of one process. Every one is answered, or ended when the process is.

    `tell` sends a line to the process.
    """

    tell: Callable[[Plain], None]
    _guards: dict[int, _Guard] = field(default_factory=dict)
    _lookups: set[asyncio.Task[None]] = field(default_factory=set)

    def ask(self, asked: Once | Lookup, delivery: EventDelivery) -> None:
        """Take a question; more than 1000 open ones are refused, so that a loop of them costs no memory."""
        if len(self._guards) + len(self._lookups) >= MOST_OPEN or asked.question in self._guards:
            raised = Raised(name="DeliveryError", text=f"more than {MOST_OPEN} questions are open")
            self.tell(Answer(question=asked.question, raised=raised))
        elif isinstance(asked, Once):
            self._guard(asked, delivery)
        else:
            task = asyncio.create_task(self._look_up(asked, delivery))
            self._lookups.add(task)
            task.add_done_callback(self._lookups.discard)

    def close(self, closed: Close) -> None:
        """Take the end of a guarded block; one that had not begun is called off."""
        guard = self._guards.get(closed.question)
        if guard is None or guard.ended.done():
            return
        if guard.begun:
            guard.ended.set_result(closed.raised)
        else:
            guard.task.cancel()

    async def settle(self, delivery: EventDelivery) -> None:
        """Wait for what has been said of a delivery's guarded blocks to be written down."""
        closing = [
            g.task for g in self._guards.values() if g.ended.done() and g.task.get_name() == _name(delivery)
        ]
        if closing:
            await asyncio.wait(closing)

    async def end(self) -> None:
        """The process is gone: what was begun is left unknown, what was not is called off."""
        tasks = [*self._lookups, *(guard.task for guard in self._guards.values())]
        whole = [guard.task for guard in self._guards.values() if guard.ended.done()]
        for task in tasks:
            if task not in whole:  # those have only their end to write down
                task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _guard(self, asked: Once, delivery: EventDelivery) -> None:
        ended = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._keep(asked, delivery, ended), name=_name(delivery))
        self._guards[asked.question] = _Guard(task, ended)
        task.add_done_callback(lambda _: self._guards.pop(asked.question, None))

    async def _keep(self, asked: Once, delivery: EventDelivery, ended: asyncio.Future[Raised | None]) -> None:
        """Hold the hub's own guard open for as long as the process is inside its block."""
        question = asked.question
        try:
            async with delivery.once(
                asked.key,
                group=asked.group,
                amount=asked.amount,
                cooldown_s=asked.cooldown_s,
                repeatable=asked.repeatable,
                limits=asked.limits,
                not_after=asked.not_after,
            ):
                self._guards[question].begun = True
                self.tell(Answer(question=question))
                if raised := await ended:
                    raise rebuild(raised)  # noqa: TRY301 - inside the guard, which is to see it
        except Exception as error:  # noqa: BLE001 - the ledger's word, or the plugin's own coming back
            self.tell(Answer(question=question, raised=describe(error)))
        else:
            self.tell(Answer(question=question))

    async def _look_up(self, asked: Lookup, delivery: EventDelivery) -> None:
        try:
            answer = await _find(asked, delivery)
        except Exception as error:  # noqa: BLE001 - it is the asker's to deal with
            answer = Answer(question=asked.question, raised=describe(error))
        self.tell(answer)


async def _find(asked: Lookup, delivery: EventDelivery) -> Answer:
    recall = delivery.recall
    named = asked.model_dump(exclude={"kind", "question", "number"})
    if isinstance(asked, Count):
        return Answer(question=asked.question, count=await delivery.count_events(**named))
    if isinstance(asked, CountEffects):
        return Answer(question=asked.question, count=await delivery.count_effects(asked.group))
    if isinstance(asked, Effects):
        return Answer(question=asked.question, effects=tuple(await recall.effects(**named)))
    if isinstance(asked, Devices):
        return Answer(question=asked.question, devices=tuple(await recall.devices()))
    if isinstance(asked, SameFrame):
        return Answer(question=asked.question, events=tuple(await recall.same_frame(asked.event)))
    if isinstance(asked, FindCaptured):
        return Answer(question=asked.question, captured=await delivery.captured())
    if isinstance(asked, Capture):
        # By its members: dumped, its limits would be plain dicts.
        terms = {name: getattr(asked, name) for name in named}
        return Answer(question=asked.question, captured=await delivery.capture(**terms))
    if isinstance(asked, LabelShares):
        shares = await recall.label_shares(asked.event, among=asked.among)
        return Answer(question=asked.question, shares=shares)
    if isinstance(asked, Rejected):
        return Answer(question=asked.question, rejected=tuple(await recall.rejected(**named)))
    found = await recall.newest(**named)
    return Answer(question=asked.question, events=() if found is None else (found,))


def _name(delivery: EventDelivery) -> str:
    return f"guard {id(delivery)}"
