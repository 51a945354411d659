"""Pictures in S3 that a queue of SQS tells of; a message is deleted once all its pictures are stored."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self

from hub.aws import Access, make_client
from hub.errors import PayloadError
from hub.images.notification import read_notification
from hub.images.object_offer import ObjectOffer, PoisonOffer
from hub.images.settings import Images

log = logging.getLogger(__name__)

WAIT_S = 20
AT_A_TIME = 10
VISIBLE_S = 90
BEAT_S = 30.0
LONGEST_LEAVE_S = 900
LEAVE_S = 30
GOODBYE_S = 5.0
GATHER_S = 0.1
"""So long a message that may be deleted waits for others: ten are deleted for the price of one."""
_REGION = re.compile(r"^https?://(?:sqs\.|queue\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.")


class Held:
    """A message that was received and is not deleted yet.

    Attributes:
        left: How many of its pictures are not settled.
    """

    def __init__(self, message: dict[str, Any], left: int) -> None:
        self.id: str = message["MessageId"]
        self.receipt: str = message["ReceiptHandle"]
        self.received = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
        self.left = left


class QueueChannel:
    """Offers the pictures that messages of a queue name.

    Args:
        plugin: The instance's name.
        most: Returns how large a picture may be, in bytes.
    """

    name = "queue"

    def __init__(self, plugin: str, settings: Images, most: Callable[[], int]) -> None:
        self.plugin = plugin
        self.settings = settings
        self.most = most
        self._url = settings.sqs or ""
        self._offered: deque[ObjectOffer | PoisonOffer] = deque()
        self._held: dict[str, Held] = {}
        self._receiving = asyncio.Lock()
        self._done: asyncio.Queue[str] = asyncio.Queue()
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._told: set[str] = set()

    async def __aenter__(self) -> Self:
        region = self.settings.region or (found[1] if (found := _REGION.match(self._url)) else None)
        settings = self.settings
        access = Access(settings.endpoint_url, region, settings.profile, settings.role_arn)
        self._offered.clear()
        self._held.clear()
        self._stack = AsyncExitStack()
        self._sqs = await self._stack.enter_async_context(make_client(access, "sqs", read_s=WAIT_S + 10))
        self.s3 = await self._stack.enter_async_context(make_client(access, "s3"))
        work = (self._beat(), self._delete())
        self._tasks = [asyncio.create_task(one, name=f"{self.plugin} queue") for one in work]
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._delete_ready()
                await self._change_visibility(list(self._held.values()), 0)
        except Exception as error:  # noqa: BLE001 - the messages come again by themselves, only later
            log.info("queue.left %s: %s", self.plugin, error)
        await self._stack.aclose()

    async def next(self) -> ObjectOffer | PoisonOffer:
        """Return the next picture; raises what the queue cannot be asked for."""
        async with self._receiving:
            while not self._offered:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await self._receive()
            return self._offered.popleft()

    async def backlog(self) -> int:
        """Return how many messages wait, roughly."""
        if not self._tasks:
            return 0  # the source did not begin yet
        name = "ApproximateNumberOfMessages"
        found = await self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(found["Attributes"][name]) + len(self._held)

    async def _receive(self) -> None:
        found = await self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=AT_A_TIME,
            WaitTimeSeconds=WAIT_S,
            VisibilityTimeout=VISIBLE_S,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for message in found.get("Messages", ()):
            self._open(message)

    def _open(self, message: dict[str, Any]) -> None:
        try:
            named = read_notification(message["Body"])
        except PayloadError as error:
            self._take_poison(message, error)
            return
        wanted = [one for one in named if not one.place.key.startswith(self.settings.ignore or ("\0",))]
        held = self._held[message["ReceiptHandle"]] = Held(message, len(wanted))
        self._offered.extend(ObjectOffer(self, held, one) for one in wanted)
        if not wanted:
            self._finish(held)

    def _take_poison(self, message: dict[str, Any], error: PayloadError) -> None:
        if self.settings.poison == "leave":
            if len(self._told) < 1000 and message["MessageId"] not in self._told:
                log.warning("queue.poison %s: message %s: %s", self.plugin, message["MessageId"], error)
                self._told.add(message["MessageId"])
            return
        held = self._held[message["ReceiptHandle"]] = Held(message, 1)
        self._offered.append(PoisonOffer(self, held, message["Body"].encode(errors="replace"), error))

    def settle(self, held: Held) -> None:
        """Note that one picture of a message is settled."""
        held.left -= 1
        if held.left == 0:
            self._finish(held)

    def _finish(self, held: Held) -> None:
        self._held.pop(held.receipt, None)
        self._done.put_nowait(held.receipt)

    async def leave(self, held: Held, reason: str) -> None:
        """Let a message come again later; the queue's redrive policy says how often."""
        if self._held.pop(held.receipt, None) is None:
            return
        log.warning("queue.left %s: %s; received %d times", self.plugin, reason, held.received)
        pause_s = min(LEAVE_S * 2 ** min(held.received - 1, 10), LONGEST_LEAVE_S)
        await self._change_visibility([held], pause_s)

    async def _beat(self) -> None:
        """Keep from others what is being looked at."""
        while True:
            await asyncio.sleep(BEAT_S)
            await self._change_visibility(list(self._held.values()), VISIBLE_S)

    async def _change_visibility(self, held: list[Held], seconds: int) -> None:
        for start in range(0, len(held), AT_A_TIME):
            entries = [
                {"Id": str(number), "ReceiptHandle": one.receipt, "VisibilityTimeout": seconds}
                for number, one in enumerate(held[start : start + AT_A_TIME])
            ]
            await self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    async def _delete(self) -> None:
        while True:
            receipt = await self._done.get()
            self._done.put_nowait(receipt)
            await asyncio.sleep(GATHER_S)
            await self._delete_ready()

    async def _delete_ready(self) -> None:
        while not self._done.empty():
            count = min(AT_A_TIME, self._done.qsize())
            receipts = [self._done.get_nowait() for _ in range(count)]
            entries = [{"Id": str(number), "ReceiptHandle": one} for number, one in enumerate(receipts)]
            try:
                await self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
            except BaseException:
                for receipt in receipts:
                    self._done.put_nowait(receipt)
                raise
