"""How the work of reviewing stands: the queue by reason, the reviewers, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from hub.review.agreement import Agreement
from hub.review.desk import Desk, Task
from hub.store.database import Transaction
from hub.store.leases import count_held
from hub.store.review_queue import count_by_reason
from hub.store.reviews import SKIPPED, count_by_reviewer


@dataclass(frozen=True, slots=True)
class Reason:
    """How many events captured for a reason wait for a reviewer, and how many do not."""

    reason: str
    waiting: int
    done: int


@dataclass(slots=True)
class Reviewer:
    """What a reviewer said, without what was taken back; `seconds` is the mean time of a verdict."""

    name: str
    verdicts: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    holds: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """An event of which reviewers do not say the same, and nobody has settled it."""

    event_id: int
    reviewers: tuple[str, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """How the work stands."""

    reasons: tuple[Reason, ...]
    reviewers: tuple[Reviewer, ...]
    agreement: Agreement
    disputed: tuple[Dispute, ...] = ()


async def read_overview(desk: Desk) -> Overview:
    """Return how the work stands."""
    reasons, reviewers = await desk.read(partial(_read, desk.settings.second_share))
    disputed = await desk.list_disputed(count=None)
    return Overview(reasons, reviewers, await desk.agreement(), tuple(map(_describe, disputed)))


def _describe(task: Task) -> Dispute:
    said = task.words
    return Dispute(task.event.id, tuple(one.reviewer for one in said), tuple(one.verdict for one in said))


def _read(second_share: float, connection: Transaction) -> tuple[tuple[Reason, ...], tuple[Reviewer, ...]]:
    reasons = tuple(Reason(*row) for row in count_by_reason(connection, second_share))
    found: dict[str, Reviewer] = {}
    for name, verdict, count, seconds, last_at in count_by_reviewer(connection):
        one = found.setdefault(name, Reviewer(name))
        if verdict != SKIPPED and seconds is not None:
            before = sum(n for said, n in one.verdicts.items() if said != SKIPPED)
            one.seconds = ((one.seconds or 0.0) * before + seconds * count) / (before + count)
        one.verdicts[verdict] = count
        one.last_at = max(filter(None, (one.last_at, last_at)))
    for name, count in count_held(connection, datetime.now(UTC)).items():
        found.setdefault(name, Reviewer(name)).holds = count
    return reasons, tuple(found[name] for name in sorted(found))
