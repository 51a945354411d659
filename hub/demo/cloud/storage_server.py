"""Stands in for S3 and SQS at one address: objects to be read, and queues whose messages come again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Self

from aiohttp import web

Body = dict[str, Any]
JSON_1_0 = "application/x-amz-json-1.0"
HIDDEN_S = 30
MISSING = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


@dataclass(slots=True)
class Waiting:
    """A message of a queue; `visible_at` is monotonic."""

    id: str
    body: str
    receipt: str = ""
    received: int = 0
    visible_at: float = 0.0

    def told(self) -> Body:
        """Return it as ReceiveMessage does."""
        digest = hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest()
        count = {"ApproximateReceiveCount": str(self.received)}
        return {
            "MessageId": self.id,
            "ReceiptHandle": self.receipt,
            "MD5OfBody": digest,
            "Body": self.body,
            "Attributes": count,
        }


class Queue:
    """Messages in the order sent. One that was received `most` times and comes back is put to `dead`."""

    def __init__(self, most: int) -> None:
        self.dead: list[str] = []
        self._most = most
        self._fresh: deque[Waiting] = deque()
        self._hidden: dict[str, Waiting] = {}
        self._sent = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Let nobody wait for a message any longer."""
        self._closed = True
        self._sent.set()

    def __len__(self) -> int:
        return len(self._fresh) + len(self._hidden)

    def send(self, body: str) -> str:
        """Add a message and return its id."""
        message = Waiting(str(uuid.uuid4()), body)
        self._fresh.append(message)
        self._sent.set()
        return message.id

    async def receive(self, most: int, wait_s: float, hidden_s: float) -> list[Waiting]:
        """Return messages, hidden from others for a while; wait for the first."""
        ends = time.monotonic() + wait_s
        while not (found := self._take(most, hidden_s)) and time.monotonic() < ends and not self._closed:
            self._sent.clear()
            try:
                await asyncio.wait_for(self._sent.wait(), min(1.0, max(0.0, ends - time.monotonic())))
            except TimeoutError:
                continue
        return found

    def _take(self, most: int, hidden_s: float) -> list[Waiting]:
        self._show_again()
        found = [self._fresh.popleft() for _ in range(min(most, len(self._fresh)))]
        for message in found:
            message.received += 1
            message.receipt = str(uuid.uuid4())
            message.visible_at = time.monotonic() + hidden_s
            self._hidden[message.receipt] = message
        return found

    def _show_again(self) -> None:
        now = time.monotonic()
        for message in [one for one in self._hidden.values() if one.visible_at <= now]:
            del self._hidden[message.receipt]
            if message.received >= self._most:
                self.dead.append(message.body)
            else:
                self._fresh.append(message)

    def hide(self, receipt: str, seconds: float) -> bool:
        """Change for how long a message is hidden; return whether it was."""
        message = self._hidden.get(receipt)
        if message is not None:
            message.visible_at = time.monotonic() + seconds
        return message is not None

    def delete(self, receipt: str) -> bool:
        """Forget a message; return True, as SQS does for one that is gone."""
        self._hidden.pop(receipt, None)
        return True

    def told(self) -> Body:
        """Return its counts as GetQueueAttributes does."""
        self._show_again()
        counts = {"Messages": len(self._fresh), "MessagesNotVisible": len(self._hidden)}
        return {f"ApproximateNumberOf{name}": str(count) for name, count in counts.items()}


class StorageServer:
    """Answers what the hub asks of SQS and S3. Queues and objects are put in here, by `queue` and `objects`.

    Attributes:
        objects: Bytes by "bucket/key".
        calls: How often each operation was asked for.
    """

    def __init__(self, most_receives: int = 3) -> None:
        self.objects: dict[str, bytes] = {}
        self.queues: dict[str, Queue] = {}
        self.calls: Counter[str] = Counter()
        self.url = ""
        self._most_receives = most_receives

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/", self._answer)
        application.router.add_get("/{place:.+}", self._read)
        self._runner = web.AppRunner(application, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for queue in self.queues.values():
            queue.close()
        await self._runner.cleanup()

    def queue(self, name: str) -> Queue:
        """Return a queue, made when it is asked for first."""
        return self.queues.setdefault(name, Queue(self._most_receives))

    def queue_url(self, name: str) -> str:
        """Return what the queue is named by."""
        return f"{self.url}/000000000000/{name}"

    async def _read(self, request: web.Request) -> web.Response:
        self.calls["GetObject"] += 1
        data = self.objects.get(request.match_info["place"])
        if data is None:
            return web.Response(status=404, text=MISSING, content_type="application/xml")
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        headers = {"ETag": f'"{digest}"', "Last-Modified": formatdate(usegmt=True)}
        return web.Response(body=data, headers=headers)

    async def _answer(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
        self.calls[operation] += 1
        asked = json.loads(await request.read())
        queue = self.queues.get(asked.get("QueueUrl", "").rpartition("/")[2])
        if queue is None:
            return _say({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue"}, 400)
        if operation == "ReceiveMessage":
            most, wait_s = asked.get("MaxNumberOfMessages", 1), asked.get("WaitTimeSeconds", 0)
            found = await queue.receive(most, wait_s, asked.get("VisibilityTimeout", HIDDEN_S))
            return _say({"Messages": [message.told() for message in found]} if found else {})
        if operation == "GetQueueAttributes":
            return _say({"Attributes": queue.told()})
        if operation in {"DeleteMessageBatch", "ChangeMessageVisibilityBatch"}:
            return _say(_change(queue, operation, asked["Entries"]))
        return _say({"__type": "com.amazonaws.sqs#UnsupportedOperation", "message": operation}, 400)


def _change(queue: Queue, operation: str, entries: list[Body]) -> Body:
    done: list[Body] = []
    failed: list[Body] = []
    for entry in entries:
        receipt = entry["ReceiptHandle"]
        deleting = operation == "DeleteMessageBatch"
        well = queue.delete(receipt) if deleting else queue.hide(receipt, entry["VisibilityTimeout"])
        wrong = {"SenderFault": True, "Code": "MessageNotInflight"}
        (done if well else failed).append({"Id": entry["Id"]} | ({} if well else wrong))
    return {"Successful": done} | ({"Failed": failed} if failed else {})


def _say(body: Body, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(body), content_type=JSON_1_0)
