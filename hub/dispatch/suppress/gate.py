"""The gate before one instance: what it passes, what it holds back, and why. Its memory is in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.dispatch.match import Match
from hub.dispatch.match_memory import MatchMemory
from hub.dispatch.match_schedule import find_end
from hub.dispatch.place import place_of
from hub.dispatch.suppress.passes import HOUR_S, Passes
from hub.dispatch.suppress.settings import Rule, Suppress
from hub.event import Detection, Event
from hub.store.log import EventLog
from hub.store.settlement import Outcome
from hub.store.suppression import PASS, HeldBack, Passed, Remembered, read_memory
from hub.store.writer import Writer

EARLIER_EVENTS = 2000
FUTILE: frozenset[Outcome] = frozenset({"skipped", "dead"})


@dataclass(frozen=True, slots=True)
class Hold:
    """A rule that holds, in words, and until when."""

    rule: Rule
    reason: str
    until: datetime


class Gate:
    """Decides on events in order of id, without waiting for the store.

    Args:
        snoozes: Until when each snoozed instance is; shared by all and kept up to date.
        digests: Whether the plugin has the hook, so that what is held back is told later.
    """

    def __init__(
        self, name: str, match: Match, suppress: Suppress, snoozes: dict[str, datetime], *, digests: bool
    ) -> None:
        self._name = name
        self._match = match
        self._suppress = suppress
        self._snoozes = snoozes
        self._told = suppress.digest if digests else frozenset()
        self._counts = suppress.counts
        self._has_rules = self._counts or suppress.quiet is not None or match.has_memory
        self._memory = MatchMemory(match)
        self._passes = Passes(suppress)
        self._under_way: dict[int, Passed] = {}
        self._remembered = Remembered(name)
        self.waiting = 0
        """How many events wait to be told of."""
        self._due: datetime | None = None

    @property
    def stands_open(self) -> bool:
        """Whether no rule has a say now: then it need not be asked, nor told of outcomes."""
        return not self._has_rules and self._name not in self._snoozes

    @property
    def one_at_a_time(self) -> bool:
        """Whether an event must wait for the outcome of the one before: a skipped one takes no cooldown."""
        return self._counts

    async def load(self, writer: Writer, log: EventLog, position: int, now: datetime) -> None:
        """Remember what the store knows of the time up to the cursor."""
        since = now - timedelta(seconds=self._passes.horizon_s)

        marks = self._match.once_within_s is not None
        passed, marked, (self.waiting, self._due) = await writer.change(
            lambda connection: read_memory(connection, self._name, since, position if marks else 0)
        )
        for one in passed:
            self._passes.add(one)
        earlier = await log.before(position, EARLIER_EVENTS) if self._match.new_after_s else []
        self._memory.load(reversed(earlier), marked)

    def filters(self, event: Event) -> bool:
        """Whether earlier events rule out a wanted one; one that is let through is marked."""
        if not self._match.has_memory:
            return False
        marks = self._memory.take(event)
        self._remembered.passed += marks or ()
        return marks is None

    def hold(self, event: Event, now: datetime) -> str | None:
        """Return why an event is held back, or None: then it is under way until `end` is called."""
        hold = self.holding(now)
        if hold is None and not self._counts:
            return None
        best = self._find_best(event)
        group = self._group(event, best)
        hold = hold or self._cooling(group, now)
        if hold is None:
            if self._counts:
                passed = Passed(f"{PASS}{event.id}", PASS + group, now, event.id)
                self._under_way[event.id] = passed
                self._passes.add(passed)
            return None
        if hold.rule not in self._told:
            return hold.reason
        self._keep(event, best, group, hold, now)
        return f"{hold.reason}; it comes in a digest"

    def holding(self, now: datetime) -> Hold | None:
        """Return what holds back everything now: a snooze, quiet hours or a quota; None when nothing does."""
        snoozed = self._snoozes.get(self._name)
        if snoozed is not None and snoozed > now:
            return Hold("snooze", f"snoozed until {_moment(snoozed)}", snoozed)
        if self._suppress.quiet is not None and (over := find_end(self._suppress.quiet, now)):
            held_by = next(schedule for schedule in self._suppress.quiet if schedule.span_at(now))
            return Hold("quiet", f"quiet hours ({held_by.describe()}) until {_moment(over)}", over)
        if full := self._passes.full_until(now):
            until, most, window_s = full
            window = "an hour" if window_s == HOUR_S else "a day"
            return Hold("quota", f"quota of {most} {window} is used up until {_moment(until)}", until)
        return None

    def is_due(self, now: datetime) -> bool:
        """Whether what waits may be told of now."""
        return self.waiting > 0 and (self._due is None or self._due <= now) and self.holding(now) is None

    def _cooling(self, group: str, now: datetime) -> Hold | None:
        if self._suppress.cooldown_s <= 0 or (until := self._passes.cooling_until(group, now)) is None:
            return None
        return Hold("cooldown", f"cooldown of {group} holds until {_moment(until)}", until)

    def _find_best(self, event: Event) -> Detection | None:
        wanted = self._match.wanted(event)
        return max(wanted, key=lambda found: found.confidence, default=None)

    def _group(self, event: Event, best: Detection | None) -> str:
        if self._suppress.per == "label":
            return f"{best.label if best else 'nothing'} on {place_of(event)}"
        if self._suppress.per == "camera":
            return place_of(event)
        return event.device if self._suppress.per == "device" else "all"

    def _keep(self, event: Event, best: Detection | None, group: str, hold: Hold, now: datetime) -> None:
        cooling = hold.rule == "cooldown" and (self.waiting == 0 or self._due is not None)
        self._due = min(self._due or hold.until, hold.until) if cooling else None
        self.waiting += 1
        kept = HeldBack(
            event_id=event.id,
            rule=hold.rule,
            group=group,
            device=event.device,
            camera=event.camera,
            label=best.label if best else None,
            confidence=best.confidence if best else None,
            captured_at=event.captured_at,
            held_at=now,
            due_at=hold.until,
        )
        self._remembered.held_back.append(kept)

    def end(self, event_id: int, outcome: Outcome) -> None:
        """Take note of an outcome: what was skipped or dead takes no cooldown and no quota."""
        passed = self._under_way.pop(event_id, None)
        if outcome in FUTILE:
            self._passes.withdraw(f"{PASS}{event_id}")
            if passed is None and self._counts:  # an earlier attempt was written down
                self._remembered.withdrawn.append(f"{PASS}{event_id}")
        elif passed is not None:
            self._remembered.passed.append(passed)

    def told(self, count: int, passed: list[Passed]) -> None:
        """Take note of a digest of `count` events, which counts as one delivery of each group in it."""
        self.waiting = max(0, self.waiting - count)
        self._due = None
        for one in passed:
            self._passes.add(one)

    def take_memory(self) -> Remembered | None:
        """Return what is to be written with the next settlement."""
        if not self._remembered:
            return None
        taken, self._remembered = self._remembered, Remembered(self._name)
        return taken


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
