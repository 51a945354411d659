"""Names the batches that nobody ends: their model may run on, and cost money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.store.batches import OpenBatch


def list_orphans(found: Sequence[OpenBatch], tables: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return by instance what is to be done, of batches whose instance hub.toml has no `images.batch` for."""
    return {one.plugin: _describe(one) for one in found if not _has_batches(tables.get(one.plugin, {}))}


def _has_batches(table: Mapping[str, Any]) -> bool:
    images = table.get("images")
    return isinstance(images, Mapping) and images.get("batch") is not None


def _describe(one: OpenBatch) -> str:
    began = f"number {one.number} began {one.began_at:%Y-%m-%d %H:%M} UTC and has not ended"
    todo = f"bring back plugins.{one.plugin} with its images.batch for a start, or stop the model by hand"
    return f"{began}: its model may run and cost money; {todo}"
