"""Runs one plugin instance: takes events in log order, delivers them, puts failures aside, settles outcomes.

Nothing here waits for another plugin. A delivery that runs long or fails is put aside as a row and the cursor
passes it; only `window` rows aside, or `window` events beyond the durable cursor, make the instance wait.
While it is paused nothing begins; while its circuit breaker is open one delivery at a time is tried.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hub.dispatch.breaker import Breaker
from hub.dispatch.delivery import EventDelivery
from hub.dispatch.feed import Feed, LiveFeed
from hub.dispatch.frame import FrameOnDisk
from hub.dispatch.instance import Instance
from hub.dispatch.job import Job
from hub.dispatch.lanes import Lanes
from hub.dispatch.progress import Progress
from hub.dispatch.retries import Retries, Retry
from hub.dispatch.retry import FIRST_PAUSE_S, RetryPolicy
from hub.dispatch.suppress.gate import Gate
from hub.dispatch.trouble import Trouble
from hub.dispatch.verdict import Verdict, judge_error, judge_return
from hub.dispatch.workers import Workers
from hub.event import Event
from hub.plugin import Reject
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.plugin_state import PluginState, shift_due
from hub.store.settlement import ASIDE, DeliveryRow, Settlement, Standing
from hub.store.writer import Writer
from hub.watchdog.steps import mark_event

log = logging.getLogger(__name__)

ASIDE_AFTER_S = 1.0
ABANDON_AFTER_S = 5.0
READ_BACK_EVENTS = 500
SLICE_S = 0.005
DRAIN_LOOK_S = 0.02


def utc_now() -> datetime:
    """Return the hub's clock."""
    return datetime.now(UTC)


class Runner:
    """Delivers the log to one instance, `settings.concurrency` at a time.

    Args:
        now: The hub's clock, aware UTC.
        feed: Where its events come from; absent: the log as it grows, of which it looks at every event.
        gate: Holds events back; None delivers whatever the match wants.
        on_state: Called with the state and the reason whenever they change, for `lenshub plugins`.
    """

    def __init__(
        self,
        instance: Instance,
        standing: Standing,
        writer: Writer,
        event_log: EventLog,
        frames: FrameStore,
        now: Callable[[], datetime] = utc_now,
        *,
        feed: Feed | None = None,
        gate: Gate | None = None,
        on_state: Callable[[PluginState, str], None] = lambda _state, _reason: None,
    ) -> None:
        self.name = instance.name
        self._instance = instance
        self._settings = instance.settings
        self._retry = RetryPolicy(instance.settings.attempts)
        self._writer = writer
        self._log = event_log
        self._frames = frames
        self._now = now
        self._progress = Progress(standing.position, standing.done, standing.filtered)
        self._aside: dict[int, Event | None] = dict.fromkeys(row.event_id for row in standing.aside)
        retries = (Retry(row.due_at or now(), row.event_id, row.attempt + 1) for row in standing.aside)
        self._retries = Retries(retries, self._retry.chance)
        self._feed = feed or LiveFeed(self.name, instance.settings.match, writer.tail, event_log)
        self._gate = gate
        self._lanes = Lanes() if instance.settings.ordered else None
        self._waiting: dict[int, Event] = {}  # taken, without a row, behind another of their device
        self._turns: deque[Job] = deque()
        self._breaker = Breaker(now)
        self._fresh_first = True
        self._on_state = on_state
        self._pause_reason: str | None = None
        self._stopping = False
        self._rows: dict[int, DeliveryRow] = {}
        self._moved = False
        self._changed = asyncio.Event()
        self._jobs: dict[int, Job] = {}
        self._trouble = Trouble(instance.name)
        self._watched_at = time.monotonic()
        self._ended: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Deliver until cancelled, or to the feed's end; what is under way then is left to the next start."""
        await self._restore_lanes()
        self._feed.open(self._progress, self._settle, self._changed.set)
        self._ended = asyncio.get_running_loop().create_future()
        self._workers = Workers(self.name, self._work, self._ended)
        one_at_a_time = self._gate is not None and self._gate.one_at_a_time
        at_a_time = self._instance.at_a_time or self._settings.concurrency
        for _ in range(1 if one_at_a_time else at_a_time):
            self._workers.add()
        try:
            await self._ended
        finally:
            self._feed.close()
            await self._workers.stop()

    def pause(self, reason: str) -> None:
        """Begin nothing more; what is under way goes on."""
        self._pause_reason = reason
        self._tell_state()

    def resume(self) -> None:
        """Go on after a pause."""
        self._pause_reason = None
        self._tell_state()
        self._changed.set()

    async def drain(self, timeout_s: float) -> None:
        """Begin nothing more; return once what was under way is settled and committed, or the time is up."""
        self._stopping = True
        try:
            async with asyncio.timeout(timeout_s):
                while self._jobs:  # noqa: ASYNC110 - they end in many ways, and this is rare
                    await asyncio.sleep(DRAIN_LOOK_S)
        except TimeoutError:
            log.warning("plugin.cut_off %s: %d deliveries took too long to stop", self.name, len(self._jobs))
        self._settle()
        await self._writer.change(lambda _: None)  # committed with what is settled, or after it

    async def retry(self, event_ids: Sequence[int]) -> None:
        """Try deliveries again at once, counting attempts anew; those under way are left alone."""
        found = await self._log.by_ids(event_ids) if self._lanes else []
        known = {event.id: event for event in found}
        wanted = set(event_ids) - self._jobs.keys() - {job.event_id for job in self._turns}
        self._retries.keep(lambda event_id: event_id not in wanted)
        for event_id in sorted(wanted):
            self._rows.pop(event_id, None)  # the store has a newer one, with which this was asked for
            self._aside.setdefault(event_id, known.get(event_id))
            if self._lanes and event_id in known and not self._lanes.enter(known[event_id].device, event_id):
                continue  # when its turn comes
            self._retries.add(self._now(), event_id, 1)
        self._changed.set()

    async def _restore_lanes(self) -> None:
        """Put what was aside back into its device's lane; only the first of each is due."""
        if self._lanes is None or not self._aside:
            return
        ids = sorted(self._aside)
        for start in range(0, len(ids), READ_BACK_EVENTS):
            for event in await self._log.by_ids(ids[start : start + READ_BACK_EVENTS]):
                self._aside[event.id] = event
                self._lanes.enter(event.device, event.id)
        first = self._lanes.first
        self._retries.keep(lambda event_id: first(event_id) in {None, event_id})

    async def _work(self) -> None:
        task = asyncio.current_task()
        slice_ends = time.monotonic() + SLICE_S
        while True:
            job = self._next_job()
            if job is None:
                self._changed.clear()  # before any await, so that no later change is missed
                if not self._may_read() or not await self._feed.read():
                    await self._changed.wait()
                slice_ends = time.monotonic() + SLICE_S
                continue
            job.task = task
            if not await self._deliver(job):
                return
            if time.monotonic() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + SLICE_S

    @property
    def run_id(self) -> str:
        """Which run this is: "" for the live one, else a replay's."""
        return self._feed.run_id

    @property
    def stands(self) -> bool:
        """Whether nothing begins: it is paused, or about to stop."""
        return self._stopping or self._pause_reason is not None

    @property
    def probes(self) -> bool:
        """Whether the circuit breaker is open: one delivery at a time is tried."""
        return self._breaker.is_open

    def _next_job(self) -> Job | None:
        if self._stopping or self._pause_reason is not None:
            return None
        if self._breaker.opened_at is not None:
            return self._next_probe()
        return self._next_turn() or self._next_retry() or self._next_fresh()

    def _next_probe(self) -> Job | None:
        """Return one delivery while the breaker is open: in turn a new event and one that failed before."""
        if not self._breaker.may_probe():
            return None
        self._fresh_first = not self._fresh_first
        job = self._next_turn() or (self._next_fresh() if self._fresh_first else None)
        job = job or self._any_retry() or self._next_fresh()
        if job is not None:
            self._breaker.probe(job.event_id)
        return job

    def _next_turn(self) -> Job | None:
        return self._turns.popleft() if self._turns else None

    def _next_retry(self) -> Job | None:
        retry = self._retries.pop_due(self._now()) if self._retries else None
        return None if retry is None else self._try_again(retry)

    def _any_retry(self) -> Job | None:
        retry = self._retries.pop_any()
        return None if retry is None else self._try_again(retry)

    def _try_again(self, retry: Retry) -> Job:
        return Job(retry.event_id, self._aside.get(retry.event_id), retry.attempt, has_row=True)

    def _next_fresh(self) -> Job | None:
        while self._may_take():
            event = self._feed.next()
            if event is None:
                return None
            self._progress.take(event.id)
            if not self._passes_by(event) and self._is_its_turn(event):
                return Job(event.id, event, 1, has_row=False)
        return None

    def _may_take(self) -> bool:
        window = self._settings.window
        return self._progress.ahead < window and len(self._aside) < window

    def _may_read(self) -> bool:
        return not self.stands and self._may_take()

    def _is_its_turn(self, event: Event) -> bool:
        """Let an event wait if another of its device is under way, and park it if that one is aside."""
        if self._lanes is None or self._lanes.enter(event.device, event.id):
            return True
        self._waiting[event.id] = event
        first = self._lanes.first(event.id)
        if first in self._aside:
            self._park(event, first)
        return False

    def _park(self, event: Event, first: int) -> None:
        del self._waiting[event.id]
        verdict = Verdict("parked", f"waits for event {first} of {event.device}")
        self._tell_gate(event.id, verdict)
        self._keep_row(Job(event.id, event, 0, has_row=True), verdict)
        self._progress.end(event.id, "row")
        self._settle()

    def _park_behind(self, event_id: int) -> None:
        for waiting in self._lanes.behind(event_id) if self._lanes else ():
            if waiting in self._waiting:
                self._park(self._waiting[waiting], event_id)

    def _release_behind(self, event_id: int) -> None:
        """Let the next of a device go, after the one before it ended for good."""
        following = self._lanes.leave(event_id) if self._lanes else None
        if following is not None:
            has_row = following in self._aside
            event = self._waiting.pop(following, None) or self._aside.get(following)
            self._turns.append(Job(following, event, 1, has_row=has_row))
            self._changed.set()

    def _passes_by(self, event: Event) -> bool:
        """Settle an event that needs no delivery: had before, too old, no news, or held back."""
        verdict = self._feed.judge(event) or self._judge_age(event)
        if verdict is None and self._gate is not None and not self._gate.stands_open:
            if self._gate.filters(event):
                self._progress.end(event.id, "filtered")
                self._settle()
                return True
            reason = self._gate.hold(event, self._now())
            verdict = Verdict("skipped", reason) if reason else None
        if verdict is None:
            return False
        if verdict.outcome != "done":
            self._keep_row(Job(event.id, event, 0, has_row=False), verdict)
        self._progress.end(event.id, "done" if verdict.outcome == "done" else "row")
        self._settle()
        return True

    def _judge_age(self, event: Event) -> Verdict | None:
        limit_s = self._settings.max_age_s
        if limit_s is None:
            return None
        age_s = (self._now() - event.captured_at).total_seconds()
        if age_s <= limit_s:
            return None
        return Verdict("skipped", f"too old: {age_s:.0f} s, max_age_s is {limit_s:g}")

    async def _deliver(self, job: Job) -> bool:
        """Make one attempt; return False when this worker was replaced meanwhile."""
        self._jobs[job.event_id] = job
        verdict = await self._attempt(job)
        if job.settled:
            return False
        self._end(job, verdict)
        return True

    async def _attempt(self, job: Job) -> Verdict:
        try:
            event = job.event = job.event or await self._read_back(job.event_id)
            job.delivery = EventDelivery(
                self.name, event, job.attempt, self._writer, self._log, self._now, self._feed.run_id
            )
            frame = FrameOnDisk.of(event, self._frames)
            mark_event(event.id)
            return judge_return(await self._instance.deliver(event, frame, job.delivery))
        except asyncio.CancelledError as error:
            if not job.timed_out and job.task is not None and job.task.cancelling():
                raise  # the hub is stopping
            return self._judge(job, self._late() if job.timed_out else error)
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; this is where it stops
            return self._judge(job, error)
        finally:
            if job.timed_out and job.task is not None:
                job.task.uncancel()

    async def _read_back(self, event_id: int) -> Event:
        for event in await self._log.by_ids([event_id]):
            return event
        raise Reject("the event is no longer in the store")

    def _judge(self, job: Job, error: BaseException) -> Verdict:
        unknown = job.delivery is not None and job.delivery.left_unknown
        return judge_error(error, job.attempt, self._retry, left_unknown=unknown)

    def _late(self) -> TimeoutError:
        return TimeoutError(f"took longer than timeout_s = {self._settings.timeout_s:g}")

    def _end(self, job: Job, verdict: Verdict) -> None:
        job.settled = True
        self._jobs.pop(job.event_id, None)
        verdict = self._count(job, verdict)
        self._tell_gate(job.event_id, verdict)
        plain = verdict.outcome == "done" and not verdict.note and not job.has_row and not self._feed.run_id
        if not plain:
            self._keep_row(job, verdict)
        self._progress.end(job.event_id, "done" if plain else "row")
        if self._lanes and verdict.outcome not in ASIDE:
            self._release_behind(job.event_id)
        if not plain or self._trouble.lasts:
            self._trouble.note(verdict)
        self._settle()
        if self._aside or self._progress.ahead >= self._settings.window - 1:
            self._changed.set()

    def _tell_gate(self, event_id: int, verdict: Verdict) -> None:
        if self._gate is not None and not self._gate.stands_open:
            self._gate.end(event_id, verdict.outcome)

    def _count(self, job: Job, verdict: Verdict) -> Verdict:
        """Tell the breaker; an attempt that failed while it is open, or opened it, is not counted."""
        if verdict.failed:
            if self._breaker.fail(job.event_id, verdict.reason, verdict.after_s):
                self._tell_state()
            if self._breaker.is_open and verdict.outcome != "unknown":
                job.attempt -= 1
                pause_s = max(FIRST_PAUSE_S, verdict.pause_s, verdict.after_s)
                return replace(verdict, outcome="retrying", pause_s=pause_s)
        elif verdict.outcome == "done" and (stood := self._breaker.succeed()):
            self._start_clocks(stood)
            self._tell_state()
        else:
            self._breaker.leave(job.event_id)
        return verdict

    def _start_clocks(self, stood: timedelta) -> None:
        """Move what is due on by the time that the clocks stood still."""
        due = self._retries.shift(stood)
        self._writer.change_soon(lambda c: shift_due(c, self.name, self._feed.run_id, due))

    def tell_what_holds(self) -> None:
        """Say once more that it is paused or probed, if it is."""
        if self._pause_reason is not None or self._breaker.is_open:
            self._tell_state()

    def _tell_state(self) -> None:
        """Say how the instance is doing: paused, probed, or simply running."""
        self._changed.set()
        if self._pause_reason is not None:
            self._on_state("paused", self._pause_reason)
        elif self._breaker.is_open:
            self._on_state("probing", self._breaker.describe())
        else:
            self._on_state("running", "")

    def _keep_row(self, job: Job, verdict: Verdict) -> None:
        now, event_id = self._now(), job.event_id
        clock = self._breaker.opened_at or now  # the time at which clocks stand still
        due_at = clock + timedelta(seconds=verdict.pause_s) if verdict.outcome == "retrying" else None
        if due_at is not None:
            self._retries.add(due_at, event_id, job.attempt + 1)
        if verdict.outcome in ASIDE:
            self._aside[event_id] = job.event
        else:
            self._aside.pop(event_id, None)
        self._rows[event_id] = DeliveryRow(
            event_id, verdict.outcome, job.attempt, now, verdict.reason, verdict.note, due_at
        )
        if self._lanes and verdict.outcome in {"retrying", "running"}:
            self._park_behind(event_id)

    def _settle(self) -> None:
        pressing = self._progress.ahead * 2 >= self._settings.window
        if pressing or not self._moved:  # the writer need not be told twice
            self._moved = True
            self._writer.settle(self, at_once=pressing)

    def take_settlement(self) -> Settlement | None:
        """Return the cursor and rows that are not durable yet; the writer calls this."""
        memory = None if self._gate is None else self._gate.take_memory()
        if not self._moved and not self._rows and memory is None:
            return None
        rows, self._rows = tuple(self._rows.values()), {}
        self._moved = False
        position = self._progress.cursor

        def committed() -> None:
            self._progress.committed = position
            self._changed.set()

        counts = self._progress.counts
        return Settlement(
            self.name,
            position,
            counts["done"],
            counts["filtered"],
            rows,
            committed,
            run_id=self._feed.run_id,
            memory=memory,
        )

    def watch(self) -> None:
        """Put aside what runs long, cancel what runs too long, wake for what is due; called every 100 ms.

        Passes over what nobody wanted meanwhile, too.
        """
        if self._ended is None:
            return  # it has yet to begin
        if not self.stands:
            self._feed.catch_up()
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.delivery is not None and job.delivery.stands_still():
                job.started += now - self._watched_at
            running_s = now - job.started
            if running_s > ASIDE_AFTER_S and not job.has_row:
                self._put_aside(job)
            if running_s > self._settings.timeout_s and not job.timed_out and job.task is not None:
                job.timed_out = True
                job.task.cancel()
            if running_s > self._settings.timeout_s + ABANDON_AFTER_S:
                self._abandon(job)
        self._watched_at = now
        if self._has_due():
            self._changed.set()
        if self._feed.is_over() and not (self._jobs or self._aside or self._turns or self._ended.done()):
            self._ended.set_result(None)

    def _has_due(self) -> bool:
        """Whether the clock alone has made something due."""
        if self.stands:
            return False
        if self._breaker.is_open:
            return self._breaker.may_probe()
        return self._feed.is_due() or self._retries.is_due(self._now())

    def _put_aside(self, job: Job) -> None:
        job.has_row = True
        verdict = Verdict("running", f"running for more than {ASIDE_AFTER_S:g} s")
        self._tell_gate(job.event_id, verdict)
        self._keep_row(job, verdict)
        self._progress.end(job.event_id, "row")
        self._settle()
        self._changed.set()

    def _abandon(self, job: Job) -> None:
        """Give up on a delivery that ignores its cancellation, and put a fresh worker in its place."""
        self._end(job, self._judge(job, self._late()))
        self._workers.add()
