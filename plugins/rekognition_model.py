"""Runs a Custom Labels model for a batch: starts it, waits, stops it; never stops somebody else's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hub.plugin import Batch, RetryLater
from plugins.rekognition_asking import send
from plugins.rekognition_errors import DOWN_S, UnansweredError, judge
from plugins.rekognition_history import Estimate, History
from plugins.rekognition_settings import CustomLabelsSettings

STARTABLE = frozenset({"TRAINING_COMPLETED", "STOPPED", "FAILED"})
PASSING = frozenset({"STARTING", "STOPPING"})
OURS = frozenset({"starting", "started", "running", "stopping"})
"""What `batch.memory` has as `stage` from just before the start is asked for until the model has stopped."""


GONE = "gone"
OFF = STARTABLE | {GONE, "DELETING", "EXPIRED", "TRAINING_IN_PROGRESS", "TRAINING_FAILED"}
"""Only in these states it surely costs nothing; one that a later Rekognition adds is not believed."""


class InUseError(Exception):
    """The model is in a state that does not allow what was asked."""


class GoneError(Exception):
    """There is no such model."""


class BatchModel:
    """The model of one instance.

    A crash between the note and the start itself leaves open who started what runs then: it counts as ours,
    because a moment before it was stopped, and because what runs on costs money.

    Args:
        client: Returns the client.
        pause_s: How long to wait for what only a person can mend.
    """

    def __init__(
        self,
        settings: CustomLabelsSettings,
        history: History,
        client: Callable[[], Any],
        pause_s: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._history = history
        self._client = client
        self._pause_s = pause_s
        self._now = now

    async def begin(self, batch: Batch) -> None:
        """Return when the model runs.

        Raises:
            RetryLater: It failed to start, takes too long, or its state cannot be asked for.
        """
        estimate = await asyncio.to_thread(self._history.estimate, batch.backlog)
        give_up_at = time.monotonic() + self._settings.max_wait_s
        while True:
            status, said = await self._look()
            if status == "RUNNING":
                return await self._take(batch, estimate)
            if status in STARTABLE:
                await self._start(batch, status, said, estimate)
            elif status not in PASSING:
                raise RetryLater(self._pause_s, f"custom-labels: the model is {status}: {said}")
            batch.note(f"model {status}; {estimate}")
            await self._wait(give_up_at, status)

    async def end(self, batch: Batch) -> None:
        """Return when the model has stopped, if this batch started it.

        Raises:
            RetryLater: It takes too long, or cannot be asked.
        """
        if batch.memory.get("stage") not in OURS:
            return None
        give_up_at = time.monotonic() + self._settings.max_wait_s
        while True:
            status, _ = await self._look()
            stopping = batch.memory.get("stage") == "stopping"
            if status in OFF or (status == "STARTING" and stopping):  # by then somebody else's
                return await self._settle(batch, status)
            if status == "RUNNING":
                await self._stop(batch)
            batch.note(f"model {status}, to be stopped")
            await self._wait(give_up_at, status)

    async def _take(self, batch: Batch, estimate: Estimate) -> None:
        if batch.memory.get("stage") in OURS:
            if batch.memory.get("running_at") is None:
                await batch.remember(stage="running", running_at=self._now().isoformat())
            batch.note(f"model RUNNING, started for this batch; {estimate}")
        else:
            await batch.remember(stage="theirs")
            batch.note("model RUNNING, started by somebody else: it is used, and will not be stopped")

    async def _start(self, batch: Batch, status: str, said: str, estimate: Estimate) -> None:
        stage = batch.memory.get("stage")
        if status == "FAILED" and stage == "started":
            await batch.remember(stage="failed")
            raise RetryLater(self._pause_s, f"custom-labels: the model failed to start: {said}")
        arns = {"version_arn": self._settings.version_arn, "project_arn": self._settings.project_arn}
        told = {"estimated_hours": estimate.hours, "estimated_cost": estimate.usd}
        told["units"] = self._settings.inference_units
        asked_at = self._now().isoformat()
        await batch.remember(stage="starting", asked_at=asked_at, running_at=None, **arns, **told)
        try:
            await self._send(
                "start_project_version",
                ProjectVersionArn=self._settings.version_arn,
                MinInferenceUnits=self._settings.inference_units,
            )
        except GoneError:
            return  # the next look tells
        except InUseError:
            if stage not in OURS:  # no start of ours can be the one it is in use by
                await batch.remember(stage="theirs")
            return
        await batch.remember(stage="started")

    async def _stop(self, batch: Batch) -> None:
        try:
            await self._send("stop_project_version", ProjectVersionArn=self._settings.version_arn)
        except (InUseError, GoneError):
            return
        await batch.remember(stage="stopping")

    async def _settle(self, batch: Batch, status: str) -> None:
        hours = self._run_hours(batch)
        cost = hours * self._settings.inference_units * self._settings.hour_price
        await asyncio.to_thread(self._history.add, hours, batch.backlog)
        await batch.remember(stage="stopped", hours=hours, cost=cost)
        batch.note(f"model {status}; it ran {hours:.2f} h, about USD {cost:.2f}")

    def _run_hours(self, batch: Batch) -> float:
        """Return how long it ran; without a note of when it began, since it was asked to."""
        stage, memory = batch.memory.get("stage"), batch.memory
        began = memory.get("running_at") or (memory.get("asked_at") if stage == "stopping" else None)
        if not isinstance(began, str):
            return 0.0
        return max((self._now() - datetime.fromisoformat(began)).total_seconds() / 3600, 0.0)

    async def _wait(self, give_up_at: float, status: str) -> None:
        if time.monotonic() > give_up_at:
            most = self._settings.max_wait_s
            raise RetryLater(self._pause_s, f"custom-labels: the model is still {status} after {most:g} s")
        await asyncio.sleep(self._settings.poll_s)

    async def _look(self) -> tuple[str, str]:
        """Return the model's state, and what Rekognition says of it."""
        try:
            answer = await self._send(
                "describe_project_versions",
                ProjectArn=self._settings.project_arn,
                VersionNames=[self._settings.version_name],
            )
        except GoneError:
            answer = {"ProjectVersionDescriptions": []}
        told = answer.get("ProjectVersionDescriptions") if isinstance(answer, dict) else None
        if not isinstance(told, list):
            raise RetryLater(DOWN_S, "custom-labels: the answer about the model cannot be read")
        for found in told:
            if found.get("ProjectVersionArn") == self._settings.version_arn:
                return str(found.get("Status", "unknown")), str(found.get("StatusMessage", ""))[:200]
        return GONE, f"there is no {self._settings.version_arn} in {self._settings.project_arn}"

    async def _send(self, call: str, **arguments: Any) -> Any:
        from botocore.exceptions import ClientError

        try:
            return await send(self._client(), call, arguments, self._pause_s)
        except UnansweredError as error:
            raise RetryLater(DOWN_S, str(error)) from error
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ResourceInUseException":
                raise InUseError from error
            if code == "ResourceNotFoundException":
                raise GoneError from error
            raise judge(call, error.response, self._pause_s) from error
