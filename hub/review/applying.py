"""Makes amendments of verdicts: by the running hub, or by whoever reviews where none is running.

What stands is found anew from all that was said of an event, and the amendment is committed together with the
mark that its words are applied: a hub that is killed between the two does it again, once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic_core import to_json

from hub.decode.message import Decoded, Message, Reviewed
from hub.errors import PayloadError
from hub.event import NewEvent
from hub.review.error import ReviewError
from hub.review.settings import ReviewSettings
from hub.review.standing import Standing, find_standing
from hub.store import reviews
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.database import Database, HubRunningError, Transaction, hub_is_running, hub_lock
from hub.store.log import EventLog
from hub.store.overview import reading
from hub.store.reviews import Word
from hub.store.watching import watch
from hub.store.writer import Writer
from hub.store.writing import open_writer
from hub.verdicts import CHOSEN, DISPUTED, REVIEW, REVIEW_NOTE, REVIEWED_AT, REVIEWED_BY

log = logging.getLogger(__name__)

LOOK_S = 0.2
WAIT_S = 10.0
AT_ONCE = 200
SOURCE = "review"


class Applier:
    """Looks for verdicts and applies them, in the order in which they were made."""

    def __init__(self, writer: Writer, engine: Database, settings: ReviewSettings) -> None:
        self._writer = writer
        self._log = EventLog(engine)
        self._settings = settings

    async def run(self) -> None:
        """Apply what is said, until cancelled."""
        await watch(self._look, "review")

    async def _look(self) -> float:
        await self.apply_all()
        return LOOK_S

    async def apply_all(self) -> None:
        """Apply every word that the log does not have yet."""
        while pending := await self._log.ask(partial(reviews.list_pending, limit=AT_ONCE)):
            bursts = await self._log.ask(partial(self._make_bursts, pending))
            committed = [self._add(arrival, words) for arrival, words in bursts]
            await self._writer.room()
            await asyncio.gather(*committed)

    def _make_bursts(
        self, pending: Sequence[int], connection: Transaction
    ) -> list[tuple[Arrival, list[Word]]]:
        return [_say(connection, event_id, self._settings.same_box) for event_id in pending]

    def _add(self, arrival: Arrival, words: list[Word]) -> asyncio.Future[Receipt]:
        def mark(connection: Transaction, refused: Sequence[PayloadError]) -> None:
            for error in refused:
                log.error("review.not_applied event %d: %s", words[0].event_id, error)
            reviews.mark_applied(connection, words, datetime.now(UTC))

        committed: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._writer.add(Burst((arrival,), committed.set_result, mark))
        return committed


def _say(connection: Transaction, event_id: int, same_box: float) -> tuple[Arrival, list[Word]]:
    """Return what is to be stored of what stands, and the words that it is made of."""
    words = reviews.list_words(connection, event_id)
    before = reviews.read_unjudged(connection, event_id)
    standing = find_standing(words, before.detections, same_box)
    said = describe(standing, reviews.list_reasons(connection, event_id))
    detections = standing.word.detections if standing.word else None
    payload = to_json({"event": event_id, "state": standing.state, "words": said, "detections": detections})
    message = Message(SOURCE, f"{SOURCE}/{event_id}", payload, datetime.now(UTC))
    amendment = before.model_copy(update={"kind": "amendment", "key": None})
    about = Reviewed(event_id, said, detections)
    decoded = Decoded(events=(NewEvent.model_construct(**amendment.__dict__),), about=about)
    return Arrival(message, decoded, late=True), words


def describe(standing: Standing, reasons: Sequence[str]) -> dict[str, str] | None:
    """Return the attributes of an event that tell what stands, or None where nothing does."""
    if not standing.words:
        return None
    last = standing.words[-1]
    word = standing.word
    who = [word] if word is not None and standing.state != "agreed" else standing.words
    found = {
        REVIEW: word.verdict if word else DISPUTED,
        REVIEWED_BY: ", ".join(dict.fromkeys(one.reviewer for one in who)),
        REVIEWED_AT: (word or last).made_at.isoformat(),
    }
    if word is not None and word.note:
        found[REVIEW_NOTE] = word.note
    if reasons:
        found[CHOSEN] = ", ".join(reasons)
    return found


async def apply_here(data_dir: Path, settings: ReviewSettings) -> None:
    """Apply what the log does not have yet, with the store's lock held.

    Raises:
        HubRunningError: A hub holds the lock.
    """
    with hub_lock(data_dir):
        async with open_writer(data_dir) as (writer, engine):
            await Applier(writer, engine, settings).apply_all()


async def have_applied(data_dir: Path, settings: ReviewSettings, wait_s: float = WAIT_S) -> None:
    """Apply what the log does not have yet, or wait until the running hub has.

    Raises:
        ReviewError: It has not within this time.
        StoreError: There is no store, or it is of another version.
    """
    until = time.monotonic() + wait_s
    async with reading(data_dir) as engine:
        ask = EventLog(engine).ask
        while left := await ask(partial(reviews.list_pending, limit=AT_ONCE)):
            if not hub_is_running(data_dir):
                with suppress(HubRunningError):  # one was started meanwhile
                    await apply_here(data_dir, settings)
            elif time.monotonic() < until:
                await asyncio.sleep(LOOK_S)
            else:
                raise ReviewError(_tell_left(len(left)))


def _tell_left(count: int) -> str:
    events = f"{count} events or more" if count == AT_ONCE else f"{count} event{'s' * (count > 1)}"
    return f"verdicts about {events} still wait for the running hub to apply them; try again in a moment"
