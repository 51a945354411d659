"""One camera of the agent while it is watched: its pipeline's thread, and what is wrong with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from edge.outage import Outage
from edge.shot import CameraError
from edge.source import name_source

if TYPE_CHECKING:
    from edge.pipeline import Pipeline

LOG = logging.getLogger("edge.agent")


class Watch:
    """Runs a pipeline in a thread of its own.

    Args:
        name: The camera's name, perhaps empty.
        source: What it watches; shown without what may be secret.
        pipeline: Not yet running.
    """

    def __init__(self, name: str, source: str, pipeline: Pipeline) -> None:
        self.trouble = ""
        """What is wrong with the camera now, or an empty text."""
        self.failure: CameraError | None = None
        """Why it has ended, if not because its source has."""
        shown = name_source(source)
        self._what = f"camera {name} ({shown})" if name else f"camera {shown}"
        self._name, self._pipeline = name, pipeline

    async def run(self, threads: Executor, tell: Callable[[], None]) -> None:
        """Run until the source ends or `stop` is called.

        Args:
            threads: Has one for this camera; asyncio's own are too few for many cameras.
            tell: Called in the event loop when the camera is lost or back.
        """
        loop = asyncio.get_running_loop()

        def note(trouble: str) -> None:
            self.trouble = trouble
            self._pipeline.counters.up = not trouble
            tell()

        outage = Outage(LOG, self._what, lambda trouble: loop.call_soon_threadsafe(note, trouble))
        try:
            await loop.run_in_executor(threads, self._pipeline.run, outage)
        except CameraError as error:
            self.failure = error
            if self._name:  # else the agent ends with it
                outage.begin(f"{error}; it is given up")

    def stop(self) -> None:
        """End soon, with what was taken spooled."""
        self._pipeline.stop()
