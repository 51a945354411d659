"""Adds up a cloud demo: what was sent, stored, refused and paid, and whether that is all as it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hub.demo.cloud.classifier_server import ClassifierServer
from hub.demo.cloud.feed import Sent
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.demo.cloud.setting import BOOKS_OF, DOES, QUEUE, SIGNS, THUMBS, VERSION
from hub.demo.cloud.storage_server import StorageServer
from hub.demo.summary import as_people_count, open_outcomes
from hub.store import overview
from hub.store.database import Database, database_path


class Paid(BaseModel):
    """Calls of one operation: those answered by the far side, those that had to be, and what they cost."""

    instance: str
    operation: str
    answered: int
    wanted: int
    usd: float


class BatchRun(BaseModel):
    """One batch; what its model cost while it ran is not in the calls."""

    number: int
    state: str
    pictures: int
    usd: float
    note: str


class CloudSummary(BaseModel):
    """What came of a cloud demo."""

    images: dict[str, int]
    duplicates: int
    wanted: dict[str, int]
    events: dict[str, int]
    refused: dict[str, int]
    wanted_refused: dict[str, int]
    refused_at_the_door: int
    calls: list[Paid]
    paid_twice: int
    usd: float
    batches: list[BatchRun]
    model: str
    left: int
    dead_letters: int
    deliveries: dict[str, dict[str, int]]
    paths: dict[str, str]

    def problems(self) -> list[str]:
        """Return what keeps this demo from being a success."""
        found = [
            f"{name}: {self.events.get(name, 0)} events of {count} pictures"
            for name, count in self.wanted.items()
            if self.events.get(name, 0) != count
        ]
        if self.refused != self.wanted_refused:
            found.append(f"refused {self.refused}, not {self.wanted_refused}")
        found += [
            f"{paid.instance} {paid.operation}: {paid.answered} calls answered, {paid.wanted} needed"
            for paid in self.calls
            if paid.answered != paid.wanted
        ]
        if self.left or self.dead_letters:
            found.append(f"{self.left} messages wait in the queue, {self.dead_letters} are dead letters")
        return found + self._batch_problems() + open_outcomes(self.deliveries, DOES)

    def _batch_problems(self) -> list[str]:
        found = [f"batch {batch.number} is {batch.state}" for batch in self.batches if batch.state != "ended"]
        if not self.batches:
            found.append("no batch began")
        return found + ([] if self.model == "STOPPED" else [f"the model is {self.model}"])


async def sum_up_cloud(
    engine: Database,
    folder: Path,
    sent: Sent,
    servers: tuple[StorageServer, RekognitionServer, ClassifierServer],
) -> CloudSummary:
    """Read the summary from store and servers."""
    storage, rekognition, classifier = servers
    costs = {(p["plugin"], p["operation"]): p["cost"] for p in await overview.count_paid(engine)}
    calls = _list_paid(sent, rekognition, len(classifier.requests), costs)
    batches = [_batch(row) for row in await overview.list_batches(engine)]
    outcomes = await overview.count_outcomes(engine)
    return CloudSummary(
        images=dict(sent.images),
        duplicates=sent.duplicates,
        wanted=dict(sent.pictures),
        events=await overview.count_sources(engine),
        refused=await overview.count_quarantine(engine),
        wanted_refused=dict(sent.refused),
        refused_at_the_door=sent.door,
        calls=calls,
        paid_twice=sum(max(0, paid.answered - paid.wanted) for paid in calls),
        usd=round(sum(paid.usd for paid in calls) + sum(batch.usd for batch in batches), 6),
        batches=batches,
        model=rekognition.models.find(VERSION).status,
        left=len(storage.queue(QUEUE)),
        dead_letters=len(storage.queue(QUEUE).dead),
        deliveries={name: as_people_count(outcomes.get(name, {})) for name in DOES},
        paths={"archive": str(folder / "archive"), "database": str(database_path(folder))},
    )


def _list_paid(
    sent: Sent, rekognition: RekognitionServer, asked: int, costs: dict[tuple[str, str], float]
) -> list[Paid]:
    answered = rekognition.paid
    counts = [
        (SIGNS, "labels", answered["DetectLabels"], sent.pictures[SIGNS]),
        (SIGNS, "text", answered["DetectText"], sent.pictures[SIGNS]),
        (BOOKS_OF, "model", asked, sent.asked),
        (THUMBS, "custom-labels", answered["DetectCustomLabels"], sent.pictures[THUMBS]),
    ]
    return [
        Paid(
            instance=instance,
            operation=operation,
            answered=count,
            wanted=wanted,
            usd=round(costs.get((instance, operation), 0.0), 6),
        )
        for instance, operation, count, wanted in counts
    ]


def _batch(row: dict[str, Any]) -> BatchRun:
    memory = row["memory"]
    return BatchRun(
        number=row["id"],
        state=row["state"],
        pictures=row["backlog"],
        usd=memory.get("cost", 0.0),
        note=row["note"],
    )
