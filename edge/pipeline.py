"""The agent's steps, capture, infer, encode and keep: in threads, with bounded lanes between them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edge.health import CameraHealth, Counters
from edge.lane import Lane
from edge.novelty import Novelty
from edge.outage import Outage
from edge.record import Finding, Recorder
from edge.sampling import Sampling
from edge.shot import Shot
from edge.source import is_live, open_source
from edge.spool import Spool, SpoolError

if TYPE_CHECKING:
    from edge.config import AgentConfig, CameraTable
    from edge.display.screen import Screen
    from edge.model import Detector

RETRY_S = 1.0
CAPTURE_GRACE_S = 2.0
SHOTS, FINDINGS, RECORDS = 1, 2, 64
AHEAD, COMMIT = 4, 16
LOG = logging.getLogger("edge.agent")


def frames_ahead(camera: CameraTable) -> int:
    """Return how many frames of a source the detector is to look at besides the oldest one.

    None where somebody waits for the answer to the newest: a camera, or a file played at its own pace.
    """
    return 0 if is_live(camera.source) or camera.pace else AHEAD


class Pipeline:
    """One camera, one model, one spool.

    Of a camera or stream the newest frame wins: a step that is slow costs frames, which are counted, and
    never makes another wait. Of a file or folder every frame goes all the way, and a slow step is waited for;
    its frames are read by the thread that looks at them, which has nothing else to do meanwhile.

    Args:
        config: What agent.toml says.
        spool: The open spool.
        detector: The loaded model.
        screen: Shown every frame that was looked at.
    """

    def __init__(self, config: AgentConfig, spool: Spool, detector: Detector, screen: Screen) -> None:
        self.counters = Counters()
        self._config, self._spool, self._detector, self._screen = config, spool, detector, screen
        self._novelty = Novelty(config.capture)
        self._sampling = Sampling(config.sampling)
        self._recorder = Recorder(
            config.agent.device,
            detector,
            config.agent.quality,
            config.camera.name,
            sampling=config.sampling.is_on,
        )
        self._stopped = threading.Event()
        self._disk = Outage(LOG, f"spool {spool.path}")
        self._live = is_live(config.camera.source)
        self._taken: Lane[Shot] = Lane(SHOTS, newest_wins=True)
        self._found: Lane[Finding] = Lane(FINDINGS, newest_wins=self._live)
        self._records: Lane[tuple[bytes, bytes]] = Lane(RECORDS, newest_wins=self._live)

    def stop(self) -> None:
        """End soon, with what was taken spooled; may be called from any thread."""
        self._stopped.set()
        self._taken.close()

    def measure(self) -> CameraHealth:
        """Return the figures of now."""
        lanes = (self._taken, self._found, self._records)
        return self.counters.measure(sum(lane.dropped for lane in lanes))

    def run(self, trouble: Outage) -> None:
        """Work until the source ends or `stop` is called. Blocks; to be run in a thread.

        Args:
            trouble: Where to report a camera that gives no frames.

        Raises:
            CameraError: The file or folder gives no frames.
        """
        shots = self._shots(trouble)
        capture = [_Step("capture", lambda: self._capture(shots), self._taken)] if self._live else []
        rest = (
            _Step(
                "infer", lambda: self._infer(self._taken if self._live else shots), self._taken, self._found
            ),
            _Step("encode", self._encode, self._found, self._records),
            _Step("keep", self._keep, self._records),
        )
        for step in (*capture, *rest):
            step.start()
        for step in rest:
            step.join()
        self._stopped.set()
        self.counters.up = False
        for step in capture:
            step.join(CAPTURE_GRACE_S)  # a camera's driver may hold it for longer
        for step in (*capture, *rest):
            if step.error is not None:
                raise step.error

    def _shots(self, trouble: Outage) -> Iterator[Shot]:
        for shot in open_source(self._config.camera, self._stopped, trouble, self.counters.pass_over):
            self.counters.up = True
            yield shot

    def _capture(self, shots: Iterable[Shot]) -> None:
        for shot in shots:
            if not self._taken.put(shot):
                return

    def _infer(self, shots: Iterable[Shot]) -> None:
        for finding in self._look(shots):
            self.counters.looked(self._detector.inference_s)
            self._screen.show(finding)
            told = self._sift(finding)
            if told is not None and not self._found.put(told):
                return

    def _sift(self, finding: Finding) -> Finding | None:
        """Return what becomes an event, or None."""
        if not finding.detections and not self._config.agent.publish_empty:
            sampled = self._sampling.admit(finding.candidates)
            return replace(finding, sampled=sampled) if sampled else None
        if self._novelty.admit(finding.detections):
            return finding
        self.counters.withheld += 1
        return None

    def _look(self, shots: Iterable[Shot]) -> Iterator[Finding]:
        """Yield what each frame shows, in order; the detector is at work on the next ones meanwhile."""
        waiting: deque[Shot] = deque()
        for shot in shots:
            self._detector.start(shot.pixels)
            waiting.append(shot)
            if len(waiting) > self._detector.ahead:
                yield self._finish(waiting.popleft())
        for shot in waiting:
            yield self._finish(shot)

    def _finish(self, shot: Shot) -> Finding:
        detections = self._detector.finish()
        return Finding(shot, detections, self._detector.candidates)

    def _encode(self) -> None:
        for finding in self._found:
            if not self._records.put(self._recorder.write(finding)):
                return

    def _keep(self) -> None:
        for records in self._records.batches(COMMIT):
            if self._append(records):
                self.counters.events += len(records)
            else:
                self.counters.refused += len(records)

    def _append(self, records: list[tuple[bytes, bytes]]) -> bool:
        """Spool records; while the disk refuses, try again until stopped. Return whether they are."""
        while True:
            try:
                self._spool.append_many(records)
            except SpoolError as error:
                self._disk.begin(f"{error}; trying again")
                if self._stopped.wait(RETRY_S):
                    return False
            else:
                self._disk.end()
                return True


class _Step(threading.Thread):
    """A thread that keeps what went wrong, and closes its lanes when it ends, so that its neighbours end."""

    def __init__(self, name: str, work: Callable[[], None], *lanes: Lane[Any]) -> None:
        super().__init__(name=name, daemon=True)
        self.error: Exception | None = None
        self._work, self._lanes = work, lanes

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised again by Pipeline.run, in the thread that waits
            self.error = error
        finally:
            for lane in self._lanes:
                lane.close()
