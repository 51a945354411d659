"""Runs one plugin instance: takes events in log order, delivers them, puts failures aside, settles outcomes.

Nothing here waits for another plugin. A delivery that runs long or fails is put aside as a row and the cursor
passes it; only `window` rows aside, or `window` events beyond the durable cursor, make the instance wait.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hub.dispatch.delivery import EventDelivery
from hub.dispatch.frame import FrameOnDisk
from hub.dispatch.instance import Instance
from hub.dispatch.progress import Progress
from hub.dispatch.retry import RetryPolicy
from hub.dispatch.verdict import Verdict, judge_error, judge_return
from hub.event import Event
from hub.plugin import Reject
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.settlement import DeliveryRow, Settlement, Standing
from hub.store.writer import Writer
from hub.watchdog.steps import context_for, mark_event

log = logging.getLogger(__name__)

ASIDE_AFTER_S = 1.0
ABANDON_AFTER_S = 5.0
READ_EVENTS = 256
READ_AGAIN_S = 1.0
SLICE_S = 0.005


def utc_now() -> datetime:
    """Return the hub's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, order=True)
class _Retry:
    due: datetime
    event_id: int
    attempt: int


@dataclass(slots=True)
class _Job:
    """A delivery under way. `event` is absent while a retry after a restart has not read it back yet."""

    event_id: int
    event: Event | None
    attempt: int
    has_row: bool
    started: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None
    timed_out: bool = False
    settled: bool = False
    delivery: EventDelivery | None = None


class Runner:
    """Delivers the log to one instance, `settings.concurrency` at a time.

    Args:
        now: The hub's clock, aware UTC.
    """

    def __init__(
        self,
        instance: Instance,
        standing: Standing,
        writer: Writer,
        event_log: EventLog,
        frames: FrameStore,
        now: Callable[[], datetime] = utc_now,
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
        self._retries = [_Retry(row.due_at or now(), row.event_id, row.attempt + 1) for row in standing.aside]
        heapq.heapify(self._retries)
        self._buffer: deque[Event] = deque()
        self._rows: dict[int, DeliveryRow] = {}
        self._moved = False
        self._reading = False
        self._changed = asyncio.Event()
        self._jobs: dict[int, _Job] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._failing = False
        writer.tail.listen(self._changed.set)

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is left to the next start."""
        self._broken = asyncio.get_running_loop().create_future()
        for _ in range(self._instance.lanes or self._settings.concurrency):
            self._add_worker()
        try:
            await self._broken
        finally:
            await self._stop_workers()

    def _add_worker(self) -> None:
        worker = asyncio.get_running_loop().create_task(
            self._work(), name=f"deliver to {self.name}", context=context_for(self.name)
        )
        self._workers.add(worker)
        worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and (error := worker.exception()) and not self._broken.done():
            self._broken.set_exception(error)

    async def _stop_workers(self) -> None:
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            _, stuck = await asyncio.wait(self._workers, timeout=ABANDON_AFTER_S)
            if stuck:
                log.warning("plugin.stuck %s: %d deliveries ignore their cancellation", self.name, len(stuck))

    async def _work(self) -> None:
        task = asyncio.current_task()
        slice_ends = time.monotonic() + SLICE_S
        while True:
            job = self._next_job()
            if job is None:
                self._changed.clear()  # before any await, so that no later change is missed
                if not await self._read_table():
                    await self._changed.wait()
                slice_ends = time.monotonic() + SLICE_S
                continue
            job.task = task
            if not await self._deliver(job):
                return
            if time.monotonic() > slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + SLICE_S

    def _next_job(self) -> _Job | None:
        if self._retries and self._retries[0].due <= self._now():
            retry = heapq.heappop(self._retries)
            return _Job(retry.event_id, self._aside.get(retry.event_id), retry.attempt, has_row=True)
        window = self._settings.window
        while self._progress.ahead < window and len(self._aside) < window:
            event = self._next_event()
            if event is None:
                return None
            self._progress.take(event.id)
            if not self._passes_by(event):
                return _Job(event.id, event, 1, has_row=False)
        return None

    def _next_event(self) -> Event | None:
        if not self._buffer:
            self._buffer.extend(self._writer.tail.after(self._progress.taken, READ_EVENTS) or ())
        return self._buffer.popleft() if self._buffer else None

    async def _read_table(self) -> bool:
        """Read on from the table where the tail no longer reaches; return whether to look again."""
        behind = self._progress.taken < self._writer.tail.newest and not self._buffer
        window = self._settings.window
        if not behind or self._reading or self._progress.ahead >= window or len(self._aside) >= window:
            return False
        self._reading = True
        try:
            events = await self._log.after(self._progress.taken, READ_EVENTS)
        except Exception as error:  # noqa: BLE001 - the store's trouble is no reason to give up a plugin
            log.warning("plugin.waiting %s: the store cannot be read: %s", self.name, error)
            await asyncio.sleep(READ_AGAIN_S)
            return True
        finally:
            self._reading = False
        self._buffer.extend(events)
        self._changed.set()
        return bool(events)

    def _passes_by(self, event: Event) -> bool:
        """Settle an event that needs no delivery: not wanted, or too old."""
        if self._settings.match.refusal(event) is not None:
            self._progress.end(event.id, "filtered")
            self._settle()
            return True
        limit_s = self._settings.max_age_s
        if limit_s is None or self._now() - event.captured_at <= timedelta(seconds=limit_s):
            return False
        age_s = (self._now() - event.captured_at).total_seconds()
        verdict = Verdict("skipped", f"too old: {age_s:.0f} s, max_age_s is {limit_s:g}")
        self._keep_row(_Job(event.id, event, 0, has_row=False), verdict)
        self._progress.end(event.id, "row")
        self._settle()
        return True

    async def _deliver(self, job: _Job) -> bool:
        """Make one attempt; return False when this worker was replaced meanwhile."""
        self._jobs[job.event_id] = job
        verdict = await self._attempt(job)
        if job.settled:
            return False
        self._end(job, verdict)
        return True

    async def _attempt(self, job: _Job) -> Verdict:
        try:
            event = job.event = job.event or await self._read_back(job.event_id)
            job.delivery = EventDelivery(self.name, event, job.attempt, self._writer, self._log, self._now)
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

    def _judge(self, job: _Job, error: BaseException) -> Verdict:
        unknown = job.delivery is not None and job.delivery.left_unknown
        return judge_error(error, job.attempt, self._retry, left_unknown=unknown)

    def _late(self) -> TimeoutError:
        return TimeoutError(f"took longer than timeout_s = {self._settings.timeout_s:g}")

    def _end(self, job: _Job, verdict: Verdict) -> None:
        job.settled = True
        self._jobs.pop(job.event_id, None)
        plain = verdict.outcome == "done" and not verdict.note and not job.has_row
        if not plain:
            self._keep_row(job, verdict)
        self._progress.end(job.event_id, "done" if plain else "row")
        if not plain or self._failing:
            self._report(verdict)
        self._settle()
        if self._aside or self._progress.ahead >= self._settings.window - 1:
            self._changed.set()

    def _keep_row(self, job: _Job, verdict: Verdict) -> None:
        now, event_id = self._now(), job.event_id
        due_at = now + timedelta(seconds=verdict.pause_s) if verdict.outcome == "retrying" else None
        if due_at is not None:
            heapq.heappush(self._retries, _Retry(due_at, event_id, job.attempt + 1))
        if verdict.outcome in {"retrying", "running"}:
            self._aside[event_id] = job.event
        else:
            self._aside.pop(event_id, None)
        self._rows[event_id] = DeliveryRow(
            event_id, verdict.outcome, job.attempt, now, verdict.reason, verdict.note, due_at
        )

    def _report(self, verdict: Verdict) -> None:
        failed = verdict.outcome in {"retrying", "dead", "unknown"}
        if failed and not self._failing:
            log.warning("plugin.failing %s: %s: %s", self.name, verdict.outcome, verdict.reason)
        elif self._failing and verdict.outcome == "done":
            log.info("plugin.recovered %s", self.name)
        self._failing = failed or (self._failing and verdict.outcome != "done")

    def _settle(self) -> None:
        pressing = self._progress.ahead * 2 >= self._settings.window
        if pressing or not self._moved:  # the writer need not be told twice
            self._moved = True
            self._writer.settle(self, at_once=pressing)

    def take_settlement(self) -> Settlement | None:
        """Return the cursor and rows that are not durable yet; the writer calls this."""
        if not self._moved and not self._rows:
            return None
        rows, self._rows = tuple(self._rows.values()), {}
        self._moved = False
        position = self._progress.cursor

        def committed() -> None:
            self._progress.committed = position
            self._changed.set()

        counts = self._progress.counts
        return Settlement(self.name, position, counts["done"], counts["filtered"], rows, committed)

    def watch(self) -> None:
        """Put aside what runs long, cancel what runs too long, wake for what is due; called every 100 ms."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.delivery is not None and job.delivery.queued:
                job.started = now
            running_s = now - job.started
            if running_s > ASIDE_AFTER_S and not job.has_row:
                self._put_aside(job)
            if running_s > self._settings.timeout_s and not job.timed_out and job.task is not None:
                job.timed_out = True
                job.task.cancel()
            if running_s > self._settings.timeout_s + ABANDON_AFTER_S:
                self._abandon(job)
        if self._retries and self._retries[0].due <= self._now():
            self._changed.set()

    def _put_aside(self, job: _Job) -> None:
        job.has_row = True
        self._keep_row(job, Verdict("running", f"running for more than {ASIDE_AFTER_S:g} s"))
        self._progress.end(job.event_id, "row")
        self._settle()
        self._changed.set()

    def _abandon(self, job: _Job) -> None:
        """Give up on a delivery that ignores its cancellation, and put a fresh worker in its place."""
        self._end(job, self._judge(job, self._late()))
        self._add_worker()
