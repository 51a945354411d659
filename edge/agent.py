"""The agent: takes frames, looks for what the model knows, spools what it found, and keeps the link going."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.config import AgentConfig, CameraTable, find_broker
from edge.link import Link
from edge.model import Detector
from edge.outage import Outage
from edge.spool import Spool, SpoolError
from hub.event import Detection, Frame, NewEvent

if TYPE_CHECKING:
    from edge.shot import Shot

Task = asyncio.Task[Any]
SOURCE = "edge"
RETRY_S = 1.0
LAST_WORDS_S = 5.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LOG = logging.getLogger("edge.agent")


class Agent:
    """One device at work: one camera, one model, one spool.

    Args:
        config: What agent.toml says.
        spool: The open spool.
        detector: The loaded model.
    """

    def __init__(self, config: AgentConfig, spool: Spool, detector: Detector) -> None:
        self._config = config
        self._spool = spool
        self._detector = detector
        self._stopped = threading.Event()
        self._disk = Outage(LOG, f"spool {spool.path}")
        self.frames = self.events = 0

    def stop(self) -> None:
        """End the watching soon; may be called from any thread, also a signal's."""
        self._stopped.set()

    def watch(self, trouble: Outage) -> None:
        """Look at every frame until the source ends or `stop` is called. Blocks; to be run in a thread.

        Raises:
            CameraError: The file or folder gives no frames.
        """
        for shot in open_source(self._config.camera, self._stopped, trouble):
            self.frames += 1
            record = self.examine(shot)
            if record is not None:
                self._keep(*record)
            if self._stopped.is_set():
                return

    def examine(self, shot: Shot) -> tuple[bytes, bytes] | None:
        """Return the record of a frame (event line, JPEG), or None when there is nothing on it to tell."""
        from hub.draw.picture import encode_jpeg

        settings = self._config.agent
        detections = self._detector.detect(shot.pixels)
        if not detections and not settings.publish_empty:
            return None
        picture = encode_jpeg(shot.pixels, settings.quality)
        return self._write_event(shot, picture, detections).encode(), picture

    def _write_event(self, shot: Shot, picture: bytes, detections: tuple[Detection, ...]) -> str:
        height, width = shot.pixels.shape[:2]
        card = self._detector.card
        event = NewEvent(
            source=SOURCE,
            device=self._config.agent.device,
            captured_at=shot.taken_at,
            model=self._detector.model,
            frame=Frame(
                digest=hashlib.sha256(picture).hexdigest(),
                width=width,
                height=height,
                media_type="image/jpeg",
            ),
            detections=detections,
            attributes={
                "frame_number": shot.number,
                "pass": shot.run,
                "input_width": card.width,
                "input_height": card.height,
                "fit": card.fit,
            },
        )
        return event.model_dump_json(exclude_none=True, exclude_defaults=True)

    def _keep(self, line: bytes, picture: bytes) -> None:
        """Spool a record; while the disk refuses, wait and try again, so that the camera waits too."""
        while True:
            try:
                self._spool.append(line, picture)
            except SpoolError as error:
                self._disk.begin(f"{error}; trying again")
                if self._stopped.wait(RETRY_S):
                    return
            else:
                self.events += 1
                self._disk.end()
                return


def open_source(camera: CameraTable, stopped: threading.Event, trouble: Outage) -> Iterator[Shot]:
    """Return the frames of what `camera.source` names: a V4L2 device, a video file or a folder."""
    from edge.camera import watch
    from edge.playback import play

    source = Path(f"/dev/video{camera.source}" if camera.source.isdecimal() else camera.source)
    if source.is_char_device() or source.parent == Path("/dev"):
        return watch(source, camera.every, stopped, trouble)
    return play(source, camera.passes, camera.every, stopped, pace=camera.pace)


async def run_agent(config: AgentConfig, *, until_sent: bool = False) -> Agent:
    """Run an agent until SIGTERM or SIGINT, or, if `until_sent`, until all of the source is with the hub.

    Started: model, spool, link, camera; stopped: camera, link (it says offline), spool.

    Returns:
        The agent, with how many `frames` it looked at and how many `events` it spooled.

    Raises:
        ConfigError: The model cannot be loaded or the password not found.
        SpoolError: The spool cannot be opened or read.
        CameraError: The file or folder gives no frames.
    """
    broker = find_broker(config.broker)
    detector = await asyncio.to_thread(Detector, config.model.path)
    spool = await asyncio.to_thread(Spool.open, config.agent.spool, config.agent.quota_bytes)
    with spool:
        agent = Agent(config, spool, detector)
        link = Link(spool, config.agent.device, broker, models=[detector.agent_model])
        await _work(agent, link, config.camera.source, until_sent=until_sent)
    return agent


async def _work(agent: Agent, link: Link, source: str, *, until_sent: bool) -> None:
    with _stop_signals() as stopping:
        async with (
            _in_background(link.run(), "link") as linking,
            _in_background(stopping.wait(), "stop") as stop,
        ):
            await _watch(agent, link, source, linking, stop)
            if until_sent:
                await _drain(link, linking, stop)
            else:
                await _first_of(linking, stop)


async def _watch(agent: Agent, link: Link, source: str, linking: Task, stop: Task) -> None:
    """Let the agent watch until its source ends or it is told to stop."""
    loop = asyncio.get_running_loop()
    trouble = Outage(LOG, f"camera {source}", lambda text: loop.call_soon_threadsafe(_report, link, text))
    watching = asyncio.create_task(asyncio.to_thread(agent.watch, trouble), name="watch")
    try:
        await _first_of(watching, linking, stop)
    finally:
        agent.stop()
        await asyncio.wait([watching])


async def _drain(link: Link, linking: Task, stop: Task) -> None:
    """Wait until all is with the hub; once told to stop, for a short time only."""
    async with _in_background(link.drained(), "drain") as draining:
        await _first_of(draining, linking, stop)
        await asyncio.wait([draining], timeout=LAST_WORDS_S)
        if not draining.done():
            LOG.warning("stopped before all was sent; the rest is sent at the next start")


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, object], name: str) -> AsyncIterator[Task]:
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def _report(link: Link, trouble: str) -> None:
    link.report("error" if trouble else "online", trouble)


async def _first_of(*tasks: Task) -> None:
    """Wait until one task has ended, and raise its error if it has one."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
