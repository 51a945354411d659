"""Refused messages on a real hub: read again after the settings were mended, or dropped."""

from __future__ import annotations

import json

from hub.store.commands import ask


def deep(levels):
    return {"captured_at": "2026-11-21T12:00:00Z", "detections": [], "attributes": nest(levels)}


def nest(levels):
    return {"a": nest(levels - 1)} if levels else {}


async def test_refused_messages_are_stored_once_they_can_be_read(hub, device):
    hub.configure("[limits]\nmax_depth = 4\n")
    hub.start()
    async with device("porch") as sender:
        sender.record(json.dumps(deep(3)).encode())
        sender.record(b"not json")
        sender.record()
        await sender.acked(3)
    assert [q["code"] for q in hub.json("quarantine", "list")["messages"]] == ["not_json", "too_deep"]
    said = hub.cli("quarantine", "replay", "--all", code=1)
    assert "0 messages read now and stored" in said
    assert "2 messages refused again and left in quarantine" in said
    assert "1 message: not_json" in said

    hub.configure("[limits]\nmax_depth = 32\n")
    hub.cli("reload")
    said = hub.cli("quarantine", "replay", "--all", code=1)
    assert "1 message read now and stored" in said
    assert hub.sql("SELECT key FROM events ORDER BY id") == [
        ("edge:porch/0123456789abcdef/3",),
        ("edge:porch/0123456789abcdef/1",),
    ]
    assert hub.sql("SELECT committed FROM epochs") == [(3,)]
    assert "1 message dropped for good" in hub.cli("quarantine", "drop", "--code", "not_json")
    assert hub.count("quarantine") == 0
    assert "no quarantined message 7" in hub.cli("quarantine", "drop", "7", code=1)
    assert "no quarantined message 7" in hub.cli("quarantine", "replay", "7", code=1)
    assert "one of them" in hub.cli("quarantine", "drop", code=1)


async def test_refused_messages_are_read_again_without_a_hub(hub, device):
    hub.configure("[limits]\nmax_depth = 4\n")
    hub.start()
    async with device("porch") as sender:
        for _ in range(5):
            sender.record(json.dumps(deep(3)).encode())
        await sender.acked(5)
    assert hub.stop() == 0
    hub.configure("")

    assert "5 messages read now and stored" in hub.cli("quarantine", "replay", "--code", "too_deep")
    assert (hub.count("quarantine"), hub.count()) == (0, 5)


async def test_refused_messages_are_stored_once_when_the_hub_is_killed_meanwhile(hub, device, wait_until):
    hub.configure("[limits]\nmax_depth = 4\n")
    hub.start()
    async with device("porch") as sender:
        for _ in range(200):
            sender.record(json.dumps(deep(3)).encode())
        await sender.acked(200, timeout_s=60)
    hub.configure("")
    hub.cli("reload")
    asked = ask(hub.folder / "data", "quarantine replay", {"code": "too_deep"})
    await wait_until(lambda: hub.count() >= 30)
    hub.kill()
    assert hub.count() + hub.count("quarantine") == 200
    hub.start()
    await wait_until(lambda: hub.sql("SELECT ok FROM commands WHERE id = ?", asked) == [(1,)])

    assert (hub.count("quarantine"), hub.count()) == (0, 200)
    (answer,) = hub.sql("SELECT answer FROM commands WHERE id = ?", asked)
    assert json.loads(answer[0]) == ["200 messages read now and stored"]
