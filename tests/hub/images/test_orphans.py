"""A batch that nobody ends is told of, wherever its instance went."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from hub.images.orphans import list_orphans
from hub.store.batches import OpenBatch, begin_batch, list_open, write_batch

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIDS = OpenBatch("lids", 7, NOW)


@pytest.mark.parametrize("tables", [{}, {"lids": {}}, {"lids": {"images": {"folder": "lids"}}}])
def test_batch_of_an_instance_that_has_no_batches_any_more_is_told_of(tables):
    said = list_orphans([LIDS], tables)["lids"]

    assert said.startswith("number 7 began 2026-11-21 12:00 UTC and has not ended: its model may run")


def test_batch_of_an_instance_that_has_batches_is_left_to_it():
    assert list_orphans([LIDS], {"lids": {"images": {"batch": {"backlog": 3}}}}) == {}


async def test_batches_that_have_ended_are_not_open(store):
    for name in ("lids", "caps"):
        row = await store.writer.change(partial(begin_batch, plugin=name, backlog=1, now=NOW))
    row.state = "ended"
    await store.writer.change(partial(write_batch, row=row, ended_at=NOW))

    assert await store.log.ask(list_open) == [OpenBatch("lids", 1, NOW)]
