"""Runs `lenshub` with batches that hurry: `night_hub.py MUTANT run --config FILE`, or `none` for MUTANT.

A mutant breaks a promise; the night must notice.
"""

from __future__ import annotations

import sys
from typing import Any

from hub.cli import app
from hub.images import batch as batches
from hub.images.batch import _Batch
from plugins.rekognition_model import BatchModel


async def _remember_until_killed(batch: _Batch, **values: Any) -> None:
    """Keep what was done in memory only."""
    batch.row.memory = batch.row.memory | values


async def _take_for_ours(model: BatchModel, batch: Any, _: str) -> None:
    """Take every model that runs for one that this batch started."""
    arns = {name: getattr(model._settings, name) for name in ("version_arn", "project_arn")}
    await batch.remember(stage="running", running_at=model._now().isoformat(), **arns)


MUTANTS: dict[str, tuple[type, str, Any] | None] = {
    "none": None,
    "forgetful": (_Batch, "remember", _remember_until_killed),
    "greedy": (BatchModel, "_take", _take_for_ours),
}


def hurry() -> None:
    """Look for work, and for its end, more often than is good for a real queue."""
    batches.LOOK_EVERY_S = 0.3
    batches.CALM_S = 1.5


if __name__ == "__main__":
    hurry()
    if (change := MUTANTS[sys.argv.pop(1)]) is not None:
        setattr(*change)
    app()
