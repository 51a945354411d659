"""The reviewers' desk: gives out what is to be looked at, and takes verdicts. Everything here is one commit.

It works beside a running hub, on a connection of its own; the hub makes amendments of verdicts (`applying`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from hub.event import MAX_ATTRIBUTES, Detection, Event, Frame
from hub.review.agreement import Agreement, measure_agreement
from hub.review.applying import apply_here
from hub.review.error import HeldError, ReviewError
from hub.review.geometry import check_detections
from hub.review.reviewer import check_note, check_reviewer
from hub.review.settings import ReviewSettings
from hub.review.standing import Standing, find_standing
from hub.store import leases, reviews
from hub.store.database import (
    HubRunningError,
    Transaction,
    check_store,
    explaining,
    hub_is_running,
    open_write_engine,
)
from hub.store.frames import FrameStore
from hub.store.review_queue import Asker, ReviewFilter, count_others, count_waiting, find_waiting, is_for_two
from hub.store.reviews import SKIPPED, Word
from hub.store.write_thread import WriteThread
from hub.verdicts import ACCEPTED, CORRECTED, REJECTED, WORDS

Result = TypeVar("Result")
ANY = ReviewFilter()


@dataclass(frozen=True, slots=True)
class Task:
    """An event before a reviewer, as it stood before anybody's word, and why it was captured."""

    event: Event
    reasons: tuple[str, ...]
    picture: Path | None
    words: tuple[Word, ...] = ()
    """What was said of it, where a dispute is to be settled."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture in pixels, None without one."""
        frame = self.event.frame
        return (frame.width, frame.height) if isinstance(frame, Frame) else None


@dataclass(frozen=True, slots=True)
class Standpoint:
    """How the work stands for a reviewer: what waits for him, and his verdicts since midnight UTC."""

    waiting: int
    today: int
    disputed: int


@asynccontextmanager
async def open_desk(
    data_dir: Path,
    settings: ReviewSettings | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Desk]:
    """Open the desk of a store; at the end verdicts are applied, if no hub runs that does it.

    Raises:
        StoreError: There is no store, or it is of another version.
    """
    check_store(data_dir)
    thread = WriteThread(open_write_engine(data_dir))
    desk = Desk(data_dir, thread, settings or ReviewSettings(), clock)
    try:
        yield desk
        await desk.apply()
    finally:
        await thread.close()


class Desk:
    """Gives out events and takes verdicts; reviewers are known by their names.

    Every operation raises ReviewError where it cannot be done, and StoreError where the store cannot be used.
    An event is named by the id of any of its rows.
    """

    def __init__(
        self, data_dir: Path, thread: WriteThread, settings: ReviewSettings, clock: Callable[[], datetime]
    ) -> None:
        self._data_dir = data_dir
        self._frames = FrameStore(data_dir / "frames")
        self._thread = thread
        self.settings = settings
        self._now = clock

    async def take(self, reviewer: str, wanted: ReviewFilter = ANY, count: int = 1) -> list[Task]:
        """Give up to `count` events to a reviewer, for as long as the settings say.

        They are nobody else's meanwhile. Asked again, it gives the same until something was said of them.
        """
        name = check_reviewer(reviewer)
        return await self._write(partial(self._take, name, wanted, count))

    async def take_disputed(self, reviewer: str, count: int = 1) -> list[Task]:
        """Give up to `count` events of which reviewers do not say the same, with what they said.

        What he skipped since then is left to others.
        """
        return await self._write(partial(self._take_disputed, check_reviewer(reviewer), count))

    async def list_waiting(self, reviewer: str, wanted: ReviewFilter = ANY, count: int = 20) -> list[Task]:
        """Return what waits for a reviewer, in the order in which it would be given; nothing is held."""
        asker = Asker(check_reviewer(reviewer), self._now(), self.settings.second_share)

        def work(connection: Transaction) -> list[Task]:
            return [
                self._make_task(connection, one) for one in find_waiting(connection, wanted, asker, count)
            ]

        return await self.read(work)

    async def list_disputed(self, count: int | None = 20) -> list[Task]:
        """Return events of which reviewers do not say the same, with what they said; nothing is held.

        Args:
            count: So many at most; None: all.
        """
        return await self.read(
            lambda c: [self._make_disputed(c, one) for one in self._list_disputed(c)[:count]]
        )

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Return what a function of the store reads."""
        with explaining(self._data_dir):
            return await self._thread.attempt(work)

    async def look(self, event_id: int) -> Task:
        """Return an event as a reviewer is to see it, whoever holds it."""
        return await self.read(lambda c: self._make_task(c, _find(c, event_id)))

    async def accept(
        self, event_id: int, reviewer: str, *, note: str = "", seconds: float | None = None
    ) -> int:
        """Say that everything found is right; return the verdict's number, as the others do."""
        return await self._judge(event_id, reviewer, ACCEPTED, None, note, seconds)

    async def reject(
        self, event_id: int, reviewer: str, *, note: str = "", seconds: float | None = None
    ) -> int:
        """Say that the event is no sample."""
        return await self._judge(event_id, reviewer, REJECTED, None, note, seconds)

    async def correct(
        self,
        event_id: int,
        reviewer: str,
        detections: Sequence[Detection],
        *,
        note: str = "",
        seconds: float | None = None,
    ) -> int:
        """Say what is there instead; no detections at all make it a negative."""
        return await self._judge(event_id, reviewer, CORRECTED, tuple(detections), note, seconds)

    async def skip(self, event_id: int, reviewer: str, *, seconds: float | None = None) -> int:
        """Leave an event to others."""
        return await self._judge(event_id, reviewer, SKIPPED, None, "", seconds)

    async def undo(self, reviewer: str, event_id: int | None = None) -> Word:
        """Take back a reviewer's last word (of an event), and give him the event again."""
        return await self._write(partial(self._undo, check_reviewer(reviewer), event_id))

    async def release(self, reviewer: str) -> None:
        """Give back all that a reviewer holds."""
        name = check_reviewer(reviewer)
        await self._write(lambda connection: leases.release(connection, name))

    async def count(self, reviewer: str, wanted: ReviewFilter = ANY) -> Standpoint:
        """Return how much waits for a reviewer, and how much he has done."""
        return await self.read(partial(self._count, check_reviewer(reviewer), wanted))

    async def count_others(self, reviewer: str, wanted: ReviewFilter = ANY) -> int:
        """Return how many pictures wait that nobody captured, up to a bound of `hub.store.review_queue`."""
        asker = Asker(check_reviewer(reviewer), self._now(), self.settings.second_share)
        return await self.read(lambda connection: count_others(connection, wanted, asker))

    async def state(self, event_id: int) -> Standing:
        """Return what stands of an event."""
        return await self.read(lambda c: self._find_standing(c, _find(c, event_id)))

    async def agreement(self) -> Agreement:
        """Return how far reviewers agree on what two of them have seen."""
        return await self.read(self._measure_agreement)

    async def apply(self) -> None:
        """Make amendments of verdicts that have none, where no hub is running that does it."""
        pending = await self.read(lambda connection: reviews.list_pending(connection, 1))
        if pending and not hub_is_running(self._data_dir):
            try:
                await apply_here(self._data_dir, self.settings)
            except HubRunningError:
                return  # one was started meanwhile, and does it

    async def _write(self, work: Callable[[Transaction], Result]) -> Result:
        with explaining(self._data_dir):
            return await self._thread.transact(lambda connection: work(_begin(connection)))

    def _take(self, reviewer: str, wanted: ReviewFilter, count: int, connection: Transaction) -> list[Task]:
        asker = Asker(reviewer, self._now(), self.settings.second_share)
        leases.drop_old(connection, asker.now)
        found = find_waiting(connection, wanted, asker, count)
        leases.lease(connection, reviewer, found, self._until(asker.now))
        return [self._make_task(connection, event_id) for event_id in found]

    def _take_disputed(self, reviewer: str, count: int, connection: Transaction) -> list[Task]:
        now = self._now()
        found: list[Task] = []
        for event_id in self._list_unsettled(connection, reviewer):
            if len(found) < count and leases.find_holder(connection, event_id, reviewer, now) is None:
                found.append(self._make_disputed(connection, event_id))
        leases.lease(connection, reviewer, [task.event.id for task in found], self._until(now))
        return found

    def _until(self, now: datetime) -> datetime:
        return now + timedelta(minutes=self.settings.lease_minutes)

    def _make_task(self, connection: Transaction, first: int) -> Task:
        event = reviews.read_event(connection, first)
        picture = self._frames.path(event.device, event.frame) if isinstance(event.frame, Frame) else None
        return Task(event, reviews.list_reasons(connection, first), picture)

    def _make_disputed(self, connection: Transaction, first: int) -> Task:
        words = self._find_standing(connection, first).words
        return replace(self._make_task(connection, first), words=words)

    async def _judge(
        self,
        event_id: int,
        reviewer: str,
        verdict: str,
        detections: tuple[Detection, ...] | None,
        note: str,
        seconds: float | None,
    ) -> int:
        made_at = self._now()
        word = Word(
            0, event_id, check_reviewer(reviewer), verdict, detections, check_note(note), seconds, made_at
        )
        return await self._write(partial(self._add, word))

    def _add(self, word: Word, connection: Transaction) -> int:
        first = _find(connection, word.event_id)
        if holder := leases.find_holder(connection, first, word.reviewer, word.made_at):
            raise HeldError(f"event {first} is before {holder} now; take another one")
        word = replace(word, event_id=first)
        if word.verdict != SKIPPED:
            word = _check(connection, word)
        number = reviews.add_word(connection, word)
        leases.release(connection, word.reviewer, first)
        self._close(connection, first)
        return number

    def _undo(self, reviewer: str, event_id: int | None, connection: Transaction) -> Word:
        if event_id is None:
            word = reviews.find_last_word(connection, reviewer)
        else:
            said = reviews.list_words(connection, _find(connection, event_id))
            own = [one for one in said if one.reviewer == reviewer and one.undone_at is None]
            word = own[-1] if own else None
        if word is None:
            of = "" if event_id is None else f" of event {event_id}"
            raise ReviewError(f"{reviewer} has said nothing{of} that could be undone")
        now = self._now()
        reviews.take_back(connection, word, now)
        if leases.find_holder(connection, word.event_id, reviewer, now) is None:
            leases.lease(connection, reviewer, [word.event_id], self._until(now))
        self._close(connection, word.event_id)
        return word

    def _close(self, connection: Transaction, first: int) -> None:
        """Keep the queue free of what nobody is wanted for."""
        standing = self._find_standing(connection, first)
        more = standing.wants_more(for_two=is_for_two(first, self.settings.second_share))
        reviews.close_captures(connection, first, None if more else self._now())

    def _find_standing(self, connection: Transaction, first: int) -> Standing:
        said = reviews.list_words(connection, first)
        found = reviews.read_unjudged(connection, first).detections
        return find_standing(said, found, self.settings.same_box)

    def _list_disputed(self, connection: Transaction) -> list[int]:
        twice = reviews.list_twice_reviewed(connection)
        return [one for one in twice if self._find_standing(connection, one).state == "disputed"]

    def _list_unsettled(self, connection: Transaction, reviewer: str) -> list[int]:
        """Return the disputed events that a reviewer has not skipped since they are."""
        disputed = self._list_disputed(connection)
        return [one for one in disputed if not self._is_passed_over(connection, one, reviewer)]

    def _is_passed_over(self, connection: Transaction, first: int, reviewer: str) -> bool:
        since = max(word.id for word in self._find_standing(connection, first).words)
        said = reviews.list_words(connection, first)
        own = [word for word in said if word.reviewer == reviewer and word.id > since]
        return any(word.verdict == SKIPPED and word.undone_at is None for word in own)

    def _count(self, reviewer: str, wanted: ReviewFilter, connection: Transaction) -> Standpoint:
        now = self._now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Standpoint(
            count_waiting(connection, wanted, Asker(reviewer, now, self.settings.second_share)),
            reviews.count_today(connection, reviewer, midnight),
            len(self._list_unsettled(connection, reviewer)),
        )

    def _measure_agreement(self, connection: Transaction) -> Agreement:
        events = reviews.list_twice_reviewed(connection)
        said = reviews.list_words_of(connection, events)
        found = [(said[one], reviews.read_unjudged(connection, one).detections) for one in events]
        return measure_agreement(found, self.settings.same_box)


def _begin(connection: Transaction) -> Transaction:
    """Take the right to write at once, so that nobody else is given the same events."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    return connection


def _find(connection: Transaction, event_id: int) -> int:
    first = reviews.find_first(connection, event_id)
    if first is None:
        raise ReviewError(f"there is no event {event_id}; `lenshub events` shows the newest ones")
    return first


def _check(connection: Transaction, word: Word) -> Word:
    """Return a word whose detections can be kept, about an event that has place for it."""
    event = reviews.read_unjudged(connection, word.event_id)
    if len(event.attributes) + len(WORDS) > MAX_ATTRIBUTES:
        raise ReviewError(
            f"event {word.event_id}: its {len(event.attributes)} attributes leave no place for a verdict"
        )
    if word.detections is None:
        return word
    size = (event.frame.width, event.frame.height) if isinstance(event.frame, Frame) else None
    return replace(word, detections=check_detections(word.detections, event.detections, size))
