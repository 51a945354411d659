"""`lenshub quarantine list` and `show`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from hub.store.schema import quarantine


@pytest.fixture
async def refused(data: Any) -> None:
    """A message that the inbox refused: JSON, and then its picture."""
    payload = b'{"bogus": 1}\n\xff\xd8' + b"\x00" * 998
    row = {
        "source": "inbox",
        "topic": "inbox/17/bad one.json",
        "code": "bad_event",
        "reason": "bogus: unknown",
        "payload": payload,
        "payload_bytes": len(payload),
        "received_at": datetime.now(UTC),
        "duplicate": False,
    }
    await data.writer.change(lambda connection: connection.execute(insert(quarantine).values(row)))


async def test_quarantine_list_names_the_file(refused, lenshub):
    assert "inbox/17/bad one.json" in lenshub("quarantine", "list").output


async def test_quarantine_show_ends_where_the_picture_begins(refused, lenshub):
    said = lenshub("quarantine", "show", "1").output.splitlines()

    assert said[-1].strip() == 'begins  {"bogus": 1} (then a picture of 1000 bytes)'
