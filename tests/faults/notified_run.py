"""Fills moto's queue and bucket, lets the hub empty them, and compares what came of it with what must."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiobotocore.session import get_session
from moto.server import ThreadedMotoServer
from notified_said import BUCKET, Said
from stage import HERE, _free_port
from victim import Victim

from hub.demo.cloud.account import ENVIRONMENT
from hub.demo.cloud.notice import REGION
from hub.demo.cloud.rekognition_server import RekognitionServer

DEADLINE_S = 300.0
CALM_S = 3.0
MOST_RECEIVES = 3
CONCURRENCY = 8
AGAIN = 2 * CONCURRENCY
"""So much that a killed hub was at may be done once more: calls in flight, messages not deleted yet."""
HUB = """\
[hub]
data_dir = "data"
[mqtt]
port = {port}
[plugins.photos]
use = "rekognition"
operations = ["labels", "text"]
region = "{region}"
endpoint_url = "{rekognition}"
rate = {{ labels = 1000, text = 1000 }}
[plugins.photos.images]
sqs = "{queue}"
endpoint_url = "{moto}"
region = "{region}"
poison = "{poison}"
concurrency = {concurrency}
"""


@dataclass(frozen=True)
class Found:
    """What came of a run. `counts`: (expected, found) by name."""

    counts: dict[str, tuple[int, int]]
    wrong: list[str]
    seed: int
    took_s: float


async def run_notified(folder: Path, said: Said, poison: str, kills: int, seed: int) -> Found:
    """Send, let the hub work, kill it so many times, and compare."""
    began = time.monotonic()
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would name every request
    moto.start()
    try:
        async with RekognitionServer() as rekognition, AsyncExitStack() as stack:
            rekognition.latency_s = 0.02
            cloud = _Cloud("http://{}:{}".format(*moto.get_host_and_port()), said)
            await cloud.open(stack)
            hub = _make_hub(folder, cloud, rekognition.url, poison)
            stack.callback(hub.end)
            run = _Run(folder, said, cloud, hub)
            await run.work(kills, random.Random(seed))  # noqa: S311 - a plan
            counts = await run.compare(rekognition, poison)
    finally:
        moto.stop()
    wrong = [
        f"{name}: {seen}, not {expected}"
        for name, (expected, seen) in counts.items()
        if not _is_right(expected, seen, AGAIN * kills if name.startswith(("paid", "refused")) else 0)
    ]
    return Found(counts, wrong, seed, round(time.monotonic() - began, 1))


def _is_right(expected: int, seen: int, more: int) -> bool:
    return expected <= seen <= expected + more


class _Cloud:
    """moto's bucket, queue and dead-letter queue."""

    def __init__(self, url: str, said: Said) -> None:
        self.url = url
        self._said = said

    async def open(self, stack: AsyncExitStack) -> None:
        """Make and fill them."""
        names = {"region_name": REGION, "aws_access_key_id": "t", "aws_secret_access_key": "t"}
        made = [get_session().create_client(one, endpoint_url=self.url, **names) for one in ("s3", "sqs")]
        self._s3, self._sqs = [await stack.enter_async_context(client) for client in made]
        await self._s3.create_bucket(Bucket=BUCKET)
        for key, data in self._said.objects.items():
            await self._s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        self.dead = (await self._sqs.create_queue(QueueName="dead"))["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:dead"
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MOST_RECEIVES})
        made_queue = await self._sqs.create_queue(QueueName="photos", Attributes={"RedrivePolicy": redrive})
        self.queue = made_queue["QueueUrl"]
        messages = self._said.messages
        for start in range(0, len(messages), 10):
            texts = enumerate(messages[start : start + 10])
            entries = [{"Id": str(number), "MessageBody": text} for number, text in texts]
            await self._sqs.send_message_batch(QueueUrl=self.queue, Entries=entries)

    async def left(self, queue: str) -> int:
        """Return how many messages a queue has."""
        names = [f"ApproximateNumberOfMessages{more}" for more in ("", "NotVisible")]
        found = await self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)


def _make_hub(folder: Path, cloud: _Cloud, rekognition: str, poison: str) -> Victim:
    names = {"port": _free_port(), "region": REGION, "rekognition": rekognition, "moto": cloud.url}
    text = HUB.format(queue=cloud.queue, poison=poison, concurrency=CONCURRENCY, **names)
    (folder / "hub.toml").write_text(text)
    command = [sys.executable, str(HERE / "notified_hub.py"), "run", "--config", str(folder / "hub.toml")]
    return Victim("hub", command, folder / "hub.log", ENVIRONMENT)


class _Run:
    """A hub at work on a queue."""

    def __init__(self, folder: Path, said: Said, cloud: _Cloud, hub: Victim) -> None:
        self._database = folder / "data" / "hub.sqlite"
        self._said = said
        self._cloud = cloud
        self._hub = hub

    async def work(self, kills: int, dice: random.Random) -> None:
        """Start the hub, kill it at moments spread over the work, and wait until the queue is empty."""
        self._hub.start()
        for moment in sorted(dice.uniform(0.05, 0.9) * self._said.good for _ in range(kills)):
            await self._until(lambda moment=moment: self._ask("SELECT count(*) FROM events") >= moment)
            self._hub.kill()
            self._hub.start()
        ends = time.monotonic() + DEADLINE_S
        calm_since = time.monotonic()
        while time.monotonic() < ends and time.monotonic() - calm_since < CALM_S:
            self._hub.check()
            if await self._cloud.left(self._cloud.queue):
                calm_since = time.monotonic()
            await asyncio.sleep(0.2)

    async def compare(self, rekognition: RekognitionServer, poison: str) -> dict[str, tuple[int, int]]:
        """Return (expected, found) of each count."""
        said, left = self._said, {"bad_notification", "image_gone"} if poison == "leave" else set()
        refused = {code: count for code, count in sorted(said.refused.items()) if code not in left}
        grouped = "SELECT code, count(*) FROM quarantine GROUP BY code"
        seen = dict(self._rows(grouped))
        dead = sum(said.refused[code] for code in left)
        return {
            "messages sent": (len(said.messages), len(said.messages)),
            "of them duplicates": (said.duplicates, said.duplicates),
            "of them test events": (said.silent, said.silent),
            "distinct pictures stored": (said.good, self._ask("SELECT count(DISTINCT key) FROM events")),
            "events": (said.good, self._ask("SELECT count(*) FROM events")),
            **{f"refused {code}": (count, seen.pop(code, 0)) for code, count in refused.items()},
            "refused for other reasons": (0, sum(seen.values())),
            "paid DetectLabels": (said.good, rekognition.paid["DetectLabels"]),
            "paid DetectText": (said.good, rekognition.paid["DetectText"]),
            "left in the queue": (0, await self._cloud.left(self._cloud.queue)),
            "dead letters": (dead, await self._cloud.left(self._cloud.dead)),
        }

    async def _until(self, holds: Callable[[], bool]) -> None:
        ends = time.monotonic() + DEADLINE_S
        while not holds():
            self._hub.check()
            if time.monotonic() > ends:
                raise TimeoutError(f"the hub stands still:\n{self._hub.last_words()}")
            await asyncio.sleep(0.05)

    def _ask(self, query: str) -> int:
        rows = self._rows(query)
        return int(rows[0][0]) if rows else 0

    def _rows(self, query: str) -> list[Any]:
        try:
            with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=10)) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # the hub has not made it yet
