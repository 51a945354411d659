"""What a plugin is handed with an event: its ledger, its view of the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.dispatch.recall import StoreRecall
from hub.event import Event
from hub.plugin import AlreadyDone, Captured, CaptureLimit, Limit, OutcomeUnknown, Reject, RetryLater, Skip
from hub.store.captures import Capture, add_capture, find_captured, judge_capture
from hub.store.effects import Effect, complete_effect, give_back_effect, take_back_effect
from hub.store.log import EventFilter, EventLog
from hub.store.settlement import LIVE_RUN
from hub.store.terms import Terms, begin_on_terms
from hub.store.writer import Writer


class Numbered(Protocol):
    """A place in the log: an event, or the newest one's number."""

    @property
    def id(self) -> int:
        """The event's id; 0 before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log without its event."""

    id: int


class EventDelivery:
    """One event on its way to one plugin; see `hub.plugin.Delivery`.

    `stands_still` tells whether its time does: it waits for its turn in the plugin's process.

    Args:
        event: Effects are noted with its id, and events are counted up to it.
    """

    def __init__(
        self,
        plugin: str,
        event: Numbered,
        attempt: int,
        writer: Writer,
        log: EventLog,
        now: Callable[[], datetime],
        run_id: str = LIVE_RUN,
    ) -> None:
        self.plugin = plugin
        self.attempt = attempt
        self.left_unknown = False
        self.stands_still: Callable[[], bool] = _never
        self._event = event
        self._writer = writer
        self._log = log
        self._now = now
        self._run_id = run_id

    @property
    def recall(self) -> StoreRecall:
        """What can be looked up; see `hub.plugin.Recall`."""
        return StoreRecall(self.plugin, self._log)

    @asynccontextmanager
    async def once(
        self,
        key: str,
        *,
        group: str = "",
        amount: float = 0.0,
        cooldown_s: float = 0.0,
        limits: Sequence[Limit] = (),
        not_after: datetime | None = None,
        repeatable: bool = False,
    ) -> AsyncIterator[None]:
        """Guard an effect that cannot be repeated; see `hub.plugin.Delivery.once`."""
        effect = Effect(
            self.plugin, key, self._event.id, group, amount, cooldown_s, self._run_id, repeatable=repeatable
        )
        await self._begin(effect, Terms(tuple(limits), not_after))
        try:
            yield
        except (RetryLater, Reject):
            await self._writer.change(lambda connection: give_back_effect(connection, effect))
            raise
        except BaseException:
            self.left_unknown |= not repeatable
            raise
        await self._writer.change(lambda connection: complete_effect(connection, effect, self._now()))

    async def _begin(self, effect: Effect, terms: Terms) -> None:
        await self._check_cooldown(effect)
        now = self._now()
        try:
            begun = await self._writer.change(
                lambda connection: begin_on_terms(connection, effect, terms, now)
            )
        except asyncio.CancelledError:
            self._writer.change_soon(lambda connection: take_back_effect(connection, effect, now))
            raise
        if isinstance(begun, str):
            raise Skip(begun)
        standing, at = begun
        if standing == "done":
            raise AlreadyDone(f"{effect.key} was already done at {_moment(at)}")
        if standing == "unknown":
            raise OutcomeUnknown(f"{effect.key} was begun at {_moment(at)} and its end is not known")
        if standing == "cooling":
            raise self._cooling(effect, at)

    async def _check_cooldown(self, effect: Effect) -> None:
        """Skip where a reading connection shows it already: most of a held-up thumb costs no commit."""
        if effect.cooldown_s <= 0:
            return
        until = await self._log.foresee_cooldown(effect)
        if until is not None and until > self._now():
            raise self._cooling(effect, until)

    def _cooling(self, effect: Effect, until: datetime | None) -> Skip:
        return Skip(f"cooldown of {effect.group or self.plugin} holds until {_moment(until)}")

    async def count_effects(self, group: str) -> int:
        """Count effects before this event's; see `hub.plugin.Delivery.count_effects`."""
        return await self._log.count_effects(self.plugin, group, self._event.id)

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
        wanted = EventFilter(
            device=device, camera=camera, label=label, since=since, min_confidence=min_confidence
        )
        return await self._log.count(wanted, up_to=self._event.id)

    async def captured(self) -> Captured | None:
        """Return the event's capture by this instance; see `hub.plugin.Delivery.captured`."""
        event_id = first_of(self._event)
        return await self._log.ask(lambda connection: find_captured(connection, self.plugin, event_id))

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
        if not isinstance(self._event, Event):
            raise TypeError("capture: there is no event here to capture; it belongs into `deliver`")
        wanted = Capture(
            self.plugin,
            first_of(self._event),
            self._event.device,
            tuple(reasons),
            score,
            label,
            likeness,
            tuple(limits),
            near_bits,
            near_among,
        )
        now = self._now()
        # A reading connection shows most refusals, which then cost no commit; the writer has the last word.
        found = await self._log.ask(lambda connection: judge_capture(connection, wanted, now))
        if found is None:
            found = await self._writer.change(lambda connection: add_capture(connection, wanted, self._now()))
        if isinstance(found, str):
            raise Skip(found)
        return found


def first_of(event: Numbered) -> int:
    """Return the id of an event's first row: of an amendment, that of the event."""
    return (event.amends if isinstance(event, Event) else None) or event.id


def _never() -> bool:
    return False


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
