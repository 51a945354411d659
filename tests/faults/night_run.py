"""Runs the batches of a night: pictures into a folder, the hub killed and started, and what came of it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from deadly import THEIRS, DeadlyVersion, DeadlyVersions
from stage import HERE, _free_port
from victim import Victim

from hub.demo.cloud.account import ENVIRONMENT
from hub.demo.cloud.rekognition_models import ProjectVersion
from hub.demo.cloud.rekognition_server import RekognitionServer

PROJECT = "arn:aws:rekognition:us-east-1:123456789012:project/lids/1700000000000"
VERSION = "arn:aws:rekognition:us-east-1:123456789012:project/lids/version/lids.{}/1700000000001"
CALL = "DetectCustomLabels"
DEADLINE_S = 60.0
AT_ONCE = 2
HUB = """\
[hub]
data_dir = "data"
[mqtt]
port = {port}
[plugins.lids]
use = "rekognition"
operations = ["custom-labels"]
region = "us-east-1"
endpoint_url = "{url}"
rate = {{ custom-labels = 100 }}
pause_s = 1
custom_labels = {{ version_arn = "{version}", project_arn = "{project}", poll_s = 0.2 }}
images = {{ folder = "lids", concurrency = {at_once}, batch = {{ backlog = {pictures} }} }}
"""


@dataclass(frozen=True)
class Batch:
    """What came of one batch.

    Attributes:
        counts: Starts and stops by the hub, the model's state, pictures, events, calls answered.
        wrong: Where this is not as it must be.
    """

    moment: str
    counts: tuple[int, int, str, int, int, int]
    wrong: list[str]


async def run_night(folder: Path, moments: Sequence[str], pictures: int, mutant: str) -> list[Batch]:
    """Run one batch for each moment, and return what came of each."""
    async with RekognitionServer() as server:
        night = _Night(folder, server, pictures, mutant)
        try:
            found = [await night.batch(moment) for moment in moments]
        finally:
            night.hub.end()
    if night.other.stops or night.other.status != "RUNNING":
        found[-1].wrong.append("somebody else's other model was stopped")
    return found


class _Night:
    def __init__(self, folder: Path, server: RekognitionServer, pictures: int, mutant: str) -> None:
        self.server = server
        self.pictures = pictures
        self.folder = folder
        server.latency_s = 0.05
        server.models = DeadlyVersions()
        self.model = DeadlyVersion(VERSION.format(1))
        server.models.add(self.model)
        self.other = server.models.add(ProjectVersion(VERSION.format(2), status="RUNNING"))
        names = {"port": _free_port(), "url": server.url, "version": self.model.arn, "project": PROJECT}
        (folder / "hub.toml").write_text(HUB.format(pictures=pictures, at_once=AT_ONCE, **names))
        program = [sys.executable, str(HERE / "night_hub.py"), mutant]
        command = [*program, "run", "--config", str(folder / "hub.toml")]
        self.hub = Victim("hub", command, folder / "hub.log", ENVIRONMENT)
        self.model.kill = self.hub.kill
        self._put = 0

    async def batch(self, moment: str) -> Batch:
        """Let a batch come to its moment, kill the hub, start it, and wait until the batch is over."""
        if self._put == 0:
            self.hub.start()
        before, known_before = (self.model.starts, self.model.stops, self._events, self._calls), self._known
        if moment == "theirs, draining":
            self.model.status = "RUNNING"
        self.model.arm(moment)
        self._put_pictures()
        ended = await self._until_killed(moment)
        known = self._known - known_before
        self.hub.start()
        settled = await self._until(lambda: self._ended > ended and self._events >= self._put)
        after = (self.model.starts, self.model.stops, self._events, self._calls)
        starts, stops, events, calls = (late - early for early, late in zip(before, after, strict=True))
        counts = (starts, stops, self.model.status, self.pictures, events, calls)
        wrong = self._find_wrong(moment, starts, stops, calls, known)
        wrong += [] if settled else [f"not over after {DEADLINE_S:g} s"]
        self.model.status = "STOPPED"  # somebody else stops theirs; after a fault the night goes on
        return Batch(moment, counts, wrong)

    async def _until_killed(self, moment: str) -> int:
        """Return how many batches had ended when the hub was killed."""
        before = self._ended
        if moment == "after the batch":
            await self._until(lambda: self._ended > before)
            self.hub.kill()
            return before
        if not await self._until(lambda: not self.model.at, alive=False):
            raise TimeoutError(f"the moment {moment!r} did not come; the hub said:\n{self.hub.last_words()}")
        return max(before, self._ended)

    def _find_wrong(self, moment: str, starts: int, stops: int, calls: int, known: set[str]) -> list[str]:
        theirs = moment in THEIRS
        wrong = []
        if self.model.status != ("RUNNING" if theirs else "STOPPED"):
            wrong.append(f"the model is {self.model.status}")
        if starts != stops or (theirs and starts):
            wrong.append(f"{starts} starts and {stops} stops")
        if not self.pictures <= calls <= self.pictures * (1 + ("draining" in moment)):
            wrong.append(f"{calls} calls were answered")
        asked = Counter(self._asked)
        if again := [digest for digest in known if asked[digest] > 1]:
            wrong.append(f"{len(again)} pictures were asked about again whose answers were kept")
        if over := [digest for digest, times in asked.items() if times > 2]:
            wrong.append(f"{len(over)} pictures were asked about more than twice")
        if self._events != self._put or self._keys != self._put:
            wrong.append(f"{self._put} pictures are {self._events} events of {self._keys} keys")
        return wrong

    def _put_pictures(self) -> None:
        root = self.folder / "data" / "lids"
        root.mkdir(parents=True, exist_ok=True)
        for number in range(self._put, self._put + self.pictures):
            pixels = np.full((96, 96, 3), number % 256, np.uint8)
            pixels[:, :48] = number // 256 + 100
            part = root / f".{number}.jpg"
            part.write_bytes(bytes(cv2.imencode(".jpg", pixels)[1]))
            part.rename(root / f"lid-{number:05}.jpg")
        self._put += self.pictures

    async def _until(self, holds: Callable[[], bool], *, alive: bool = True) -> bool:
        ends = asyncio.get_running_loop().time() + DEADLINE_S
        while not holds():
            if asyncio.get_running_loop().time() > ends:
                return False
            if alive:
                self.hub.check()
            await asyncio.sleep(0.05)
        return True

    @property
    def _calls(self) -> int:
        return self.server.paid[CALL]

    @property
    def _ended(self) -> int:
        return self._ask("SELECT count(*) FROM batches WHERE state = 'ended'")

    @property
    def _events(self) -> int:
        return self._ask("SELECT count(*) FROM events WHERE source = 'lids'")

    @property
    def _asked(self) -> Iterator[str]:
        """The digest of each picture the model was asked about lately."""
        for operation, body in self.server.requests:
            if operation == CALL:
                yield sha256(body["Image"]["Bytes"]).hexdigest()

    @property
    def _known(self) -> set[str]:
        """The digests of the pictures whose answers are stored, in an event or until there is one."""
        keys = self._read(
            "SELECT key FROM events WHERE source = 'lids'"
            " UNION SELECT image_key FROM calls WHERE answer IS NOT NULL"
        )
        return {str(key).rpartition(":")[2] for (key,) in keys}

    @property
    def _keys(self) -> int:
        return self._ask("SELECT count(DISTINCT key) FROM events WHERE source = 'lids'")

    def _ask(self, query: str) -> int:
        found = self._read(query)
        return int(found[0][0]) if found else 0

    def _read(self, query: str) -> list[tuple[object, ...]]:
        uri = f"file:{self.folder / 'data' / 'hub.sqlite'}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=10)) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # the hub has not made it yet
