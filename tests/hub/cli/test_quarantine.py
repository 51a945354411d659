"""`lenshub quarantine list` and `show`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from hub.store.schema import quarantine


@pytest.fixture
def keep(data: Any) -> Callable[..., Awaitable[Any]]:
    """A function that puts a message into quarantine: one that the inbox refused, but for what is given."""

    async def insert_row(**given: Any) -> None:
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
        } | given
        await data.writer.change(lambda connection: connection.execute(insert(quarantine).values(row)))

    return insert_row


@pytest.fixture
async def refused(keep: Callable[..., Awaitable[Any]]) -> None:
    """A message that the inbox refused: JSON, and then its picture."""
    await keep()


async def test_quarantine_list_names_the_file(refused, lenshub):
    assert "inbox/17/bad one.json" in lenshub("quarantine", "list").output


async def test_quarantine_show_ends_where_the_picture_begins(refused, lenshub):
    said = lenshub("quarantine", "show", "1").output.splitlines()

    assert said[-1].strip() == 'begins  {"bogus": 1} (then a picture of 1000 bytes)'


async def test_quarantine_show_writes_the_time_as_the_list_does(refused, lenshub):
    (row,) = json.loads(lenshub("quarantine", "list", "--json").output)["messages"]
    at = row["received_at"][:19].replace("T", " ")

    assert f"received_at  {at} UTC" in lenshub("quarantine", "show", "1").output
    assert at in lenshub("quarantine", "list").output


async def test_quarantine_replay_counts_what_the_store_refuses_again(keep, data, folder, lenshub):
    """A late fact whose event never came can be decoded; it is the store that has nothing to amend."""
    (folder / "hub.toml").write_text('[mqtt.topics]\n"frigate/+" = "frigate"\n')
    late = b'{"type": "description", "id": "1607123955.5-abc", "description": "a dog"}'
    seen = b'{"type": "new", "after": {"id": "1.5-b", "camera": "a", "label": "car", "start_time": 1.8e9}}'
    for topic, payload in (("tracked_object_update", late), ("events", seen), ("reviews", b"no JSON")):
        await keep(source="mqtt", topic=f"frigate/{topic}", payload=payload, payload_bytes=len(payload))

    told = lenshub("quarantine", "replay", "--all", "-c", "hub.toml")

    assert told.exit_code == 1
    stored, left, *reasons = told.output.splitlines()
    assert (stored, left) == (
        "1 message read now and stored",
        "2 messages refused again and left in quarantine",
    )
    assert sorted(line.split(": ")[1] for line in reasons) == ["not_json", "nothing_to_amend"]
    assert sorted(data.sql("SELECT code FROM quarantine")) == [("bad_event",), ("nothing_to_amend",)]
    assert data.sql("SELECT progress, ok FROM commands") == [(1, 0)]


async def test_quarantine_list_says_how_many_more_there_are(keep, lenshub):
    for code in ("bad_event", "bad_event", "not_json"):
        await keep(code=code)

    assert "2 of 3; --limit shows more" in lenshub("quarantine", "list", "-n", "2").output
    assert "1 of 2; --limit" in lenshub("quarantine", "list", "-n", "1", "--code", "bad_event").output
    assert "--limit" not in lenshub("quarantine", "list", "-n", "3").output
