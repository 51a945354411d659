"""Delivers to one instance what was held back from it: one digest when the quiet time is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.dispatch.delivery import EventDelivery, Position
from hub.dispatch.frame import FrameOnDisk
from hub.dispatch.instance import Instance
from hub.dispatch.patience import await_within
from hub.dispatch.retry import RetryPolicy
from hub.dispatch.suppress.gate import Gate
from hub.dispatch.verdict import Verdict, judge_error, judge_return
from hub.plugin import Digest
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.suppression import (
    PASS,
    DigestRow,
    Passed,
    Told,
    find_open_digest,
    make_digest,
    read_told,
    settle_digest,
)
from hub.store.writer import Writer

log = logging.getLogger(__name__)


class Digests:
    """What a digest tells is settled in the store before it is delivered, so that a crash changes nothing.

    A digest counts as one delivery: it takes the cooldown of every group in it, and one place in the quotas.
    """

    def __init__(
        self,
        instance: Instance,
        gate: Gate,
        writer: Writer,
        event_log: EventLog,
        frames: FrameStore,
        now: Callable[[], datetime],
    ) -> None:
        self._instance = instance
        self._name = instance.name
        self._gate = gate
        self._writer = writer
        self._log = event_log
        self._frames = frames
        self._now = now
        self._retry = RetryPolicy(instance.settings.attempts)
        self._open: DigestRow | None = None
        self._looked = False

    async def send_due(self) -> bool:
        """Deliver one digest if there is one to deliver now; return whether an attempt was made."""
        row = await self._find_due()
        if row is None:
            return False
        attempt = row.attempt + 1
        told = await self._writer.change(lambda c: read_told(c, self._name, row.id))
        verdict = await self._attempt(row, told, attempt)
        await self._settle(row, told, attempt, verdict)
        return True

    async def _find_due(self) -> DigestRow | None:
        now = self._now()
        if not self._looked:
            self._open = await self._writer.change(lambda c: find_open_digest(c, self._name))
            self._looked = True
        if self._open is None and self._gate.is_due(now):
            made = await self._writer.change(lambda c: make_digest(c, self._name, now))
            if made is not None:
                self._open = made[0]
                self._gate.told(made[1], [])
        if self._open is None or (self._open.due_at and self._open.due_at > now) or self._gate.holding(now):
            return None
        return self._open

    async def _attempt(self, row: DigestRow, told: Told, attempt: int) -> Verdict:
        hook, timeout_s = self._instance.digest, self._instance.settings.timeout_s
        assert hook is not None  # noqa: S101 - this object is made only for plugins that have it
        delivery = EventDelivery(
            self._name, Position(row.latest_id), attempt, self._writer, self._log, self._now
        )
        try:
            latest = next(iter(await self._log.by_ids([row.latest_id])), None)
            frame = None if latest is None else FrameOnDisk.of(latest, self._frames)
            digest = Digest(
                row.id, told.count, told.since, told.until, told.rules, told.lines, told.more, latest
            )
            return judge_return(await await_within(timeout_s, hook(digest, frame, delivery)))
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # the hub is stopping
            return judge_error(error, attempt, self._retry, left_unknown=delivery.left_unknown)

    async def _settle(self, row: DigestRow, told: Told, attempt: int, verdict: Verdict) -> None:
        now = self._now()
        due_at = now + timedelta(seconds=verdict.pause_s) if verdict.outcome == "retrying" else None
        passed = self._count(row, told, now) if verdict.outcome in {"done", "unknown"} else []

        await self._writer.change(
            lambda connection: settle_digest(
                connection,
                row.id,
                verdict.outcome,
                attempt=attempt,
                reason=verdict.reason,
                note=verdict.note,
                due_at=due_at,
                now=now,
                plugin=self._name,
                passed=passed,
            )
        )
        self._gate.told(0, passed)
        again = DigestRow(row.id, row.latest_id, attempt, due_at)
        self._open = again if due_at else None
        self._looked = due_at is not None
        self._report(row, told, verdict)

    def _count(self, row: DigestRow, told: Told, now: datetime) -> list[Passed]:
        if not self._instance.settings.suppress.counts:
            return []
        groups = sorted(told.groups)
        return [
            Passed(f"{PASS}digest/{row.id}/{group}", PASS + group, now, row.latest_id, float(number == 0))
            for number, group in enumerate(groups)
        ]

    def _report(self, row: DigestRow, told: Told, verdict: Verdict) -> None:
        if verdict.outcome == "done":
            log.info("digest.done %s: digest %d of %d events held back", self._name, row.id, told.count)
        elif verdict.outcome == "retrying":
            log.warning("digest.failing %s: digest %d: %s", self._name, row.id, verdict.reason)
        else:
            log.error("digest.%s %s: digest %d: %s", verdict.outcome, self._name, row.id, verdict.reason)
