"""What the agent tells of itself: figures, status message, metrics, temperature."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.config import MAX_CAMERAS
from edge.health import COUNTS, CameraHealth, Counters, Health, HealthStatus
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


def test_counters_measure_rate_and_quantiles():
    now = [0.0]
    counters = Counters(lambda: now[0])
    for number in range(200):
        now[0] += 0.1
        counters.looked((number + 1) / 1000)
    health = counters.measure(dropped=4)
    assert health.fps == pytest.approx(10, abs=0.2)
    assert (health.inference_ms_p50, health.inference_ms_p95) == (100.0, 190.0)
    assert (health.frames, health.dropped) == (200, 4)


def test_counters_know_no_quantiles_when_nothing_was_looked_at():
    health = Counters().measure(dropped=0)
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
    assert values['lenshub_edge_inference_seconds{quantile="0.95"}'] == "0.0065"
    assert sum(line.startswith("# TYPE") for line in lines) == len(values) - 1


def some_cameras() -> Health:
    parts = {
        "door": CameraHealth(fps=9.5, inference_ms_p50=4, inference_ms_p95=6, **dict.fromkeys(COUNTS, 2)),
        "yard": CameraHealth(up=False, fps=0, **dict.fromkeys(COUNTS, 1)),
    }
    return some_health().model_copy(update={"cameras": parts})


def test_metrics_are_labelled_when_cameras_have_names():
    lines = write_metrics(some_cameras()).splitlines()
    assert 'lenshub_edge_up{camera="door"} 1' in lines
    assert 'lenshub_edge_up{camera="yard"} 0' in lines
    assert 'lenshub_edge_frames_total{camera="yard"} 1' in lines
    assert 'lenshub_edge_inference_seconds{camera="door",quantile="0.5"} 0.004' in lines
    assert "lenshub_edge_spool_records 1" in lines
    assert not [
        line for line in lines if line.startswith(("lenshub_edge_fps ", "lenshub_edge_frames_total "))
    ]
    assert len({line for line in lines if line.startswith("# TYPE")}) == 11


def test_hub_reads_a_status_of_many_cameras():
    parts = {f"camera-{n}": some_cameras().cameras["door"] for n in range(MAX_CAMERAS)}
    health = some_health().model_copy(update={"cameras": parts})
    status = HealthStatus(state="error", at=datetime.now(UTC), text="x" * 2000, health=health)
    payload = status.model_dump_json(exclude_none=True).encode()
    (told,) = decode(
        Message("edge", "lenshub/v1/cam-1/status", payload, datetime.now(UTC)), Limits()
    ).statuses
    assert told.kind == "error"
    assert len(payload) < 5000


def test_temperature_is_that_of_the_hottest_zone_that_can_be_read(tmp_path):
    for zone, text in enumerate(["41000\n", "55500\n", "nonsense", "-274000", ""]):
        (tmp_path / f"thermal_zone{zone}").mkdir()
        (tmp_path / f"thermal_zone{zone}" / "temp").write_text(text)
    assert read_temperature(tmp_path) == 55.5


def test_temperature_is_not_known_when_the_kernel_has_none(tmp_path):
    assert read_temperature(tmp_path) is None
