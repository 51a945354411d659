"""What the agent tells of itself: figures, status message, metrics, temperature."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.health import Counters, Health, HealthStatus
from edge.metrics import write_metrics
from edge.spool import Spool
from edge.thermal import read_temperature
from hub.decode.edge import decode
from hub.decode.limits import Limits
from hub.decode.message import Message


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool.db") as opened:
        yield opened


def some_health() -> Health:
    return Health(
        fps=9.5,
        inference_ms_p50=4.25,
        inference_ms_p95=6.5,
        frames=120,
        events=70,
        withheld=3,
        dropped=2,
        spool_records=1,
        spool_bytes=900,
        temperature_c=48.5,
    )


def test_counters_measure_rate_and_quantiles(spool):
    now = [0.0]
    counters = Counters(lambda: now[0])
    for number in range(200):
        now[0] += 0.1
        counters.looked((number + 1) / 1000)
    spool.append(b"{}")
    health = counters.measure(spool, dropped=4)
    assert health.fps == pytest.approx(10, abs=0.2)
    assert (health.inference_ms_p50, health.inference_ms_p95) == (100.0, 190.0)
    assert (health.frames, health.dropped, health.spool_records, health.spool_bytes) == (200, 4, 1, 66)


def test_counters_know_no_quantiles_when_nothing_was_looked_at(spool):
    health = Counters().measure(spool, dropped=0)
    assert (health.fps, health.inference_ms_p50) == (0.0, None)


def test_hub_reads_a_status_with_figures():
    status = HealthStatus(state="online", at=datetime.now(UTC), health=some_health())
    payload = status.model_dump_json(exclude_none=True).encode()
    message = Message("edge", "lenshub/v1/cam-1/status", payload, datetime.now(UTC))
    (told,) = decode(message, Limits()).statuses
    assert (told.device, told.kind, told.text) == ("cam-1", "online", "")
    assert len(payload) < 400
    assert json.loads(payload)["health"]["temperature_c"] == 48.5


def test_metrics_have_a_type_and_a_value_for_every_figure():
    lines = write_metrics(some_health()).splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["lenshub_edge_frames_total"] == "120"
    assert values["lenshub_edge_temperature_celsius"] == "48.5"
    assert values['lenshub_edge_inference_seconds{quantile="0.95"}'] == "0.006500"
    assert sum(line.startswith("# TYPE") for line in lines) == len(values) - 1


def test_temperature_is_that_of_the_hottest_zone_that_can_be_read(tmp_path):
    for zone, text in enumerate(["41000\n", "55500\n", "nonsense", "-274000", ""]):
        (tmp_path / f"thermal_zone{zone}").mkdir()
        (tmp_path / f"thermal_zone{zone}" / "temp").write_text(text)
    assert read_temperature(tmp_path) == 55.5


def test_temperature_is_not_known_when_the_kernel_has_none(tmp_path):
    assert read_temperature(tmp_path) is None
