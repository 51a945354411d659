"""`lenshub plugins`: what is wrong with instances, also with those that are gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from hub.store.batches import begin_batch

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def toml(folder):
    Path("hub.toml").write_text("[mqtt]\n")


async def test_batch_whose_instance_is_gone_is_told_of(lenshub, toml, data):
    await data.writer.change(partial(begin_batch, plugin="lids", backlog=3, now=NOW))

    assert "batch number 1 began 2026-11-21 12:00 UTC and has not ended" in lenshub("plugins").stdout
    (lids,) = json.loads(lenshub("plugins", "--json").stdout)
    assert lids["open_batch"].endswith("or stop the model by hand")
