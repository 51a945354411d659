"""Custom Labels by the batch: what runs, whose it is, and that what we started always stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.demo.cloud.rekognition_models import ProjectVersion
from hub.demo.cloud.rekognition_server import RekognitionServer
from hub.loading import Loaded, load_instance
from hub.plugin import RetryLater

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/lids/version/lids.1/1700000000001"
NEXT = "arn:aws:rekognition:us-east-1:123456789012:project/lids/version/lids.2/1700000000002"
PROJECT = "arn:aws:rekognition:us-east-1:123456789012:project/lids/1700000000000"
DEADLINE_S = 90
STAGES = ("starting", "started", "running", "stopping", "stopped")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RekognitionServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    async with RekognitionServer() as running:
        running.models.add(ProjectVersion(ARN))
        yield running


@pytest.fixture
def version(server: RekognitionServer) -> ProjectVersion:
    return server.models.find(ARN)


@pytest.fixture
def instance(server: RekognitionServer, tmp_path: Path) -> Callable[..., Any]:
    """A function that makes and enters an instance as a hub does that starts, with other settings perhaps."""

    @asynccontextmanager
    async def enter(**custom: Any) -> AsyncIterator[Any]:
        own = {"version_arn": ARN, "project_arn": PROJECT, "poll_s": 0.01, "max_wait_s": 60, **custom}
        table = {"operations": ["custom-labels"], "custom_labels": own, "endpoint_url": server.url}
        loaded = load_instance("rekognition", {**table, "region": "us-east-1"}, tmp_path)
        assert isinstance(loaded, Loaded), loaded
        async with loaded.plugin as plugin, asyncio.timeout(DEADLINE_S):
            yield plugin

    return enter


async def test_batch_starts_the_model_waits_and_stops_it(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    async with instance(inference_units=2) as plugin:
        await plugin.begin_batch(batch)
        assert (version.status, version.units) == ("RUNNING", 2)
        await plugin.end_batch(batch)

    assert version.history == ["STARTING", "RUNNING", "STOPPING", "STOPPED"]
    assert batch.kept["stage"] == "stopped"
    assert batch.notes[0] == "model STOPPED; 120 pictures; no earlier batch to go by, an hour is USD 8.00"
    assert any(note.startswith("model STARTING") for note in batch.notes)
    hours = batch.kept["hours"]  # a slow machine has it run for longer
    assert f"it ran {hours:.2f} h, about USD {hours * 8:.2f}" in batch.notes[-1]


async def test_batch_that_follows_is_estimated_from_the_ones_before(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        await batch.remember(running_at="2020-01-01T00:00:00+00:00")
        await plugin.end_batch(batch)
        assert batch.kept["cost"] == pytest.approx(batch.kept["hours"] * 4)
        batch.kept.clear()
        await plugin.begin_batch(batch)
    assert f"about {batch_hours(batch)} h and USD" in batch.notes[-1]


def batch_hours(batch: Any) -> str:
    """Return the hours that the note of the first batch told."""
    return next(note for note in batch.notes if "it ran" in note).split("it ran ")[1].split(" h")[0]


async def test_model_that_somebody_else_runs_is_used_and_left_running(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    version.status = "RUNNING"
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        await plugin.end_batch(batch)
    assert (version.status, version.starts, version.stops) == ("RUNNING", 0, 0)
    assert "started by somebody else" in batch.notes[-1]


async def test_model_that_somebody_else_starts_is_waited_for_and_left_running(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    version.start(1)
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        await plugin.end_batch(batch)
    assert (version.status, version.starts, version.stops) == ("RUNNING", 1, 0)


async def test_model_that_somebody_else_starts_in_between_is_left_running(
    server: RekognitionServer, version: ProjectVersion, batch: Any, instance: Any
) -> None:
    looked = version.describe

    def look_then_lose() -> dict[str, Any]:
        told = looked()
        if not version.starts:
            version.start(1)
        return told

    version.describe = look_then_lose  # type: ignore[method-assign] # somebody is quicker
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        await plugin.end_batch(batch)
    assert server.calls["StartProjectVersion"] == 1
    assert (version.status, version.stops, batch.kept["stage"]) == ("RUNNING", 0, "theirs")


async def test_model_that_is_stopping_is_started_when_it_has_stopped(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    version.status = "RUNNING"
    version.stop()
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        assert version.history == ["STOPPING", "STOPPED", "STARTING", "RUNNING"]
        await plugin.end_batch(batch)
    assert version.status == "STOPPED"


async def test_failed_start_is_told_and_tried_anew(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    version.start_ends_in = "FAILED"
    async with instance() as plugin:
        with pytest.raises(RetryLater, match="failed to start"):
            await plugin.begin_batch(batch)
        version.start_ends_in = "RUNNING"
        await plugin.begin_batch(batch)
        await plugin.end_batch(batch)
    assert (version.starts, version.stops, version.status) == (2, 1, "STOPPED")


async def test_failed_start_needs_no_stop(version: ProjectVersion, batch: Any, instance: Any) -> None:
    version.start_ends_in = "FAILED"
    async with instance() as plugin:
        with pytest.raises(RetryLater):
            await plugin.begin_batch(batch)
        await plugin.end_batch(batch)
    assert (version.status, version.stops) == ("FAILED", 0)


@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("resumes_with", ["begin", "end"])
async def test_crash_at_any_stage_leaves_no_model_running(
    version: ProjectVersion, batch: Any, instance: Any, stage: str, when: str, resumes_with: str
) -> None:
    setattr(batch, when, stage)
    with pytest.raises(type(batch).crash):
        await begin_and_end(batch, instance)
    setattr(batch, when, None)

    async with instance() as plugin:
        if resumes_with == "begin" and stage in {"starting", "started", "running"}:
            await plugin.begin_batch(batch)
            assert version.status == "RUNNING"
        await plugin.end_batch(batch)

    assert version.status == "STOPPED"
    assert version.starts == version.stops


@pytest.mark.parametrize("fault", ["drop", "throttle", "internal", "html", "denied", "strange"])
@pytest.mark.parametrize("call", ["DescribeProjectVersions", "StartProjectVersion", "StopProjectVersion"])
async def test_call_that_fails_is_made_again_until_the_model_has_stopped(
    server: RekognitionServer, version: ProjectVersion, batch: Any, instance: Any, call: str, fault: str
) -> None:
    server.fail(call, fault)
    async with instance() as plugin:
        await until_it_succeeds(plugin.begin_batch, batch)
        assert version.status == "RUNNING"
        server.fail("DescribeProjectVersions", fault)
        await until_it_succeeds(plugin.end_batch, batch)
    assert (version.status, version.starts, version.stops) == ("STOPPED", 1, 1)


async def begin_and_end(batch: Any, instance: Any) -> None:
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        await plugin.end_batch(batch)


async def until_it_succeeds(hook: Callable[[Any], Any], batch: Any) -> None:
    """Call a hook as the hub does: again after RetryLater."""
    for _ in range(4):
        try:
            return await hook(batch)
        except RetryLater:
            continue
    pytest.fail("it raised RetryLater four times")


async def test_start_whose_answer_is_lost_is_ours(
    server: RekognitionServer, version: ProjectVersion, batch: Any, instance: Any
) -> None:
    version.start(1)  # as the call did whose answer never came
    await batch.remember(
        stage="starting", asked_at="2026-11-21T12:00:00+00:00", version_arn=ARN, project_arn=PROJECT
    )
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        await plugin.end_batch(batch)
    assert (version.status, version.starts, version.stops) == ("STOPPED", 1, 1)


async def test_model_is_stopped_that_the_settings_no_longer_name(
    server: RekognitionServer, version: ProjectVersion, batch: Any, instance: Any
) -> None:
    follower = server.models.add(ProjectVersion(NEXT))
    async with instance() as plugin:
        await plugin.begin_batch(batch)
    async with instance(version_arn=NEXT) as plugin:
        await plugin.begin_batch(batch)
        assert (version.status, follower.status) == ("STOPPED", "RUNNING")
        await plugin.end_batch(batch)
    assert follower.status == "STOPPED"


@pytest.mark.parametrize("status", ["TRAINING_IN_PROGRESS", "DELETING", "EXPIRED"])
async def test_model_that_cannot_start_is_waited_for(
    version: ProjectVersion, batch: Any, instance: Any, status: str
) -> None:
    version.status = status
    async with instance() as plugin:
        with pytest.raises(RetryLater, match=f"the model is {status}"):
            await plugin.begin_batch(batch)
        await plugin.end_batch(batch)


async def test_unknown_model_is_told(server: RekognitionServer, batch: Any, instance: Any) -> None:
    async with instance(version_arn=NEXT) as plugin:
        with pytest.raises(RetryLater, match="there is no"):
            await plugin.begin_batch(batch)


async def test_model_that_was_deleted_needs_no_stop(
    server: RekognitionServer, batch: Any, instance: Any
) -> None:
    async with instance() as plugin:
        await plugin.begin_batch(batch)
        server.models.versions.clear()
        await plugin.end_batch(batch)
    assert "model gone" in batch.notes[-1]


async def test_model_that_takes_too_long_is_looked_at_later(
    version: ProjectVersion, batch: Any, instance: Any
) -> None:
    version.looks = 10**9
    async with instance(max_wait_s=1) as plugin:
        with pytest.raises(RetryLater, match="still STARTING after 1 s"):
            await plugin.begin_batch(batch)
    version.looks, version._left = 1, 0
    async with instance() as plugin:
        await plugin.end_batch(batch)
    assert version.status == "STOPPED"


async def test_batch_without_a_project_says_what_is_missing(batch: Any, instance: Any) -> None:
    async with instance(project_arn=None) as plugin:
        with pytest.raises(RetryLater, match=r"custom_labels\.project_arn is missing"):
            await plugin.begin_batch(batch)
