"""`lenshub device list` says how devices are: state and since when, health, clock, gaps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from hub.decode.message import Health, Status


@pytest.fixture
async def listed(store, arrivals, soon, folder, lenshub):
    """A function: what the command prints about a porch in trouble and an attic that is well."""
    (folder / "hub.toml").write_text('[hub]\ndata_dir = "../data"\n')
    now = datetime.now(UTC)
    states = [
        Status(
            device="porch",
            kind="error",
            text="camera is gone",
            at=now - timedelta(hours=2),
            health=Health(fps=0, spool_records=7, dropped=3, temperature_c=48.5),
        ),
        Status(device="attic", kind="online", text="", at=now, health=Health(fps=14.96)),
    ]
    await soon(store.add(*(arrivals(statuses=(said,), device=said.device, at=now) for said in states)))
    hello = arrivals.hello(now=datetime(2026, 11, 21, 11, tzinfo=UTC))
    await soon(store.add(hello, arrivals.gap(1, 17), arrivals.record(18)))
    return lambda *options: lenshub("device", "list", *options).stdout


async def test_device_list_tells_in_a_table_how_devices_are(listed):
    attic, porch = listed().splitlines()[-2:]

    for part in ("online", "15.0 frames/s", "none"):
        assert part in attic
    for part in (
        "error camera is gone",
        "0.0 frames/s, 7 spooled, 3 dropped, 48 °C, as of",
        "off by 3600 s",
        "1 (17 records)",
    ):
        assert part in porch
    assert "as of" not in attic


async def test_device_list_gives_every_figure_as_json(listed):
    attic, porch = json.loads(listed("--json"))

    assert porch["health"] == {"fps": 0.0, "spool_records": 7, "dropped": 3, "temperature_c": 48.5}
    assert {name: porch[name] for name in ("state", "events", "gaps", "missing", "clock_skew_s")} == {
        "state": "error",
        "events": 1,
        "gaps": 1,
        "missing": 17,
        "clock_skew_s": 3600.0,
    }
    assert datetime.fromisoformat(porch["state_at"]) == datetime.fromisoformat(porch["health_at"])
    assert (attic["state"], attic["gaps"]) == ("online", 0)


async def test_device_list_shows_a_device_that_was_never_seen(listed, lenshub, require_program):
    require_program("mosquitto_passwd")
    lenshub("device", "add", "cellar")

    assert json.loads(listed("--json"))[-1] == {"name": "cellar", "registered": True, "events": 0}
    assert "cellar" in listed()
