"""What a batch says of devices, lines and gaps is kept beside the events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.decode.message import Health, Status
from hub.store import batch as module
from hub.store import overview
from hub.wire.protocol import CHECKED

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def status(arrivals):
    def make(kind, text="", device="porch", at=NOW, health=None):
        said = Status(device=device, kind=kind, text=text, at=at, health=health)
        return arrivals(statuses=(said,), device=device)

    return make


async def test_batch_keeps_a_device_state_and_its_history(store, status, soon):
    await soon(store.add(status("online"), status("error", "camera is gone")))

    assert store.sql("SELECT name, state, state_text FROM devices") == [("porch", "error", "camera is gone")]
    assert store.sql("SELECT kind FROM device_history ORDER BY id") == [("online",), ("error",)]


async def test_batch_notes_a_state_once_that_comes_again_at_each_connection(store, status, soon):
    for _ in range(3):
        await soon(store.add(status("online"), status("online")))

    assert store.sql("SELECT COUNT(*) FROM device_history") == [(1,)]


async def test_batch_keeps_a_state_when_something_else_is_said(store, status, soon):
    await soon(store.add(status("online"), status("info", "the model loads")))

    assert store.sql("SELECT state FROM devices") == [("online",)]


async def test_check_of_a_device_that_never_ran_leaves_no_state(store, status, soon):
    await soon(store.add(status("offline", CHECKED)))

    assert store.sql("SELECT name, state FROM devices") == [("porch", None)]


@pytest.mark.parametrize(("before", "after"), [("online", "checked"), ("offline", "stopped")])
async def test_check_says_only_that_a_device_is_not_online(store, status, soon, before, after):
    await soon(store.add(status(before, "stopped" if before == "offline" else "")))
    await soon(store.add(status("offline", CHECKED)))

    assert store.sql("SELECT state, state_text FROM devices") == [("offline", after)]


async def test_batch_keeps_the_newest_health_of_a_device(store, status, soon):
    later = NOW + timedelta(seconds=30)
    await soon(store.add(status("online", health=Health(fps=15, dropped=0))))
    await soon(store.add(status("online", at=later, health=Health(fps=14.5)), status("offline", at=later)))

    (device,) = await overview.list_devices(store.engine)
    assert (device["state"], device["health"], device["health_at"]) == ("offline", {"fps": 14.5}, later)


async def test_batch_counts_gaps_and_records_out_of_turn_by_device(store, arrivals, soon):
    await soon(store.add(arrivals.gap(1, 3), arrivals.gap(4, 4), arrivals.record(9), arrivals.record(2)))
    await soon(store.add(arrivals.record(5), arrivals.gap(1, 10, device="attic")))

    figures = ("name", "events", "gaps", "missing", "early", "stale")
    assert [[row[name] for name in figures] for row in await overview.list_devices(store.engine)] == [
        ["attic", 0, 1, 10, 0, 0],
        ["porch", 1, 2, 4, 1, 1],
    ]


async def test_batch_bounds_the_history_of_a_device(store, status, soon, monkeypatch):
    monkeypatch.setattr(module, "HISTORY_ROWS", 5)
    await soon(
        store.add(*(status("info", str(number)) for number in range(20)), status("info", "x", "attic"))
    )
    kept = store.sql("SELECT text FROM device_history WHERE device = 'porch' ORDER BY id")

    assert kept == [(str(number),) for number in range(15, 20)]


async def test_batch_keeps_what_an_agent_says_of_itself(store, arrivals, soon):
    await soon(store.add(arrivals.hello()))

    assert store.sql("SELECT agent, clock_skew_s FROM devices") == [("agent 1", 0.0)]


async def test_batch_reports_a_wrong_clock_once_and_when_it_is_right_again(store, arrivals, soon):
    for seconds in (3600, 3600, 0, 0):
        await soon(store.add(arrivals.hello(now=NOW - timedelta(seconds=seconds))))

    assert store.sql("SELECT kind, text FROM device_history ORDER BY id") == [
        ("clock_skew", "clock is 3600 s behind the hub's"),
        ("clock_skew", "clock agrees with the hub's again"),
    ]


async def test_batch_keeps_gaps_and_tells_them_in_the_history(store, arrivals, soon):
    await soon(store.add(arrivals.gap(1, 3), arrivals.gap(1, 3)))

    assert store.sql('SELECT device, "first", "last", reason FROM gaps') == [
        ("porch", 1, 3, "spool over quota")
    ]
    assert store.sql("SELECT kind FROM device_history") == [("gap",)]


async def test_batch_notes_when_a_device_was_last_seen(store, arrivals, soon):
    await soon(store.add(arrivals.record(1, at=NOW)))

    assert store.sql("SELECT name, first_seen_at, last_seen_at FROM devices") == [
        ("porch", "2026-11-21 12:00:00.000000", "2026-11-21 12:00:00.000000")
    ]


async def test_batch_keeps_what_was_refused_with_its_bytes(store, arrivals, soon):
    message = arrivals("lenshub/\x00", b"\xff\x00", error=arrivals.refused().decoded.error)
    await soon(store.add(message))

    assert store.sql("SELECT topic, code, reason, payload, payload_bytes FROM quarantine") == [
        ("lenshub/�", "not_json", "no", b"\xff\x00", 2)
    ]
