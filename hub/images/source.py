"""A channel's pictures as a source: offered, looked at side by side, stored, and only then taken away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

from hub.decode.message import Decoded, Message
from hub.images.desk import Desk
from hub.images.message import Refusal
from hub.images.offer import Channel, Offer, Outcome, Unavailable

AHEAD = (8, 64)
FINISH_S = 8.0
"""At least and at most so many more pictures than are asked about are read ahead, or wait for a commit.

A picture is asked about for 50 ms perhaps, and spends as long in commits before and after: with three times
`concurrency` beside those asked about, the classifier is never without work.
"""


class ImageSource:
    """Runs one channel of an instance; made anew by `HookedSource` when it fails.

    Args:
        decode: Reads the messages; what it refuses is told to the channel.
    """

    def __init__(self, channel: Channel, desk: Desk, decode: Callable[[Message], Decoded]) -> None:
        self.name = channel.name
        self._channel = channel
        self._desk = desk
        self._decode = decode
        self._reset()

    def _reset(self) -> None:
        self._ready: asyncio.Queue[tuple[str, Offer, Message]] = asyncio.Queue(1)
        self._yielded: deque[tuple[str, Offer]] = deque()
        self._read: deque[Decoded] = deque()
        self._held: set[str] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._ended: asyncio.Future[asyncio.Task[None]]

    async def __aenter__(self) -> Self:
        self._reset()
        await self._channel.__aenter__()  # type: ignore[attr-defined] # every channel is a context manager
        concurrency, (least, most) = self._desk.settings.concurrency, AHEAD
        count = concurrency + max(least, min(3 * concurrency, most))
        self._workers = [
            asyncio.create_task(self._work(), name=f"{self._desk.name} {self.name}") for _ in range(count)
        ]
        self._ended = asyncio.get_running_loop().create_future()
        for worker in self._workers:
            worker.add_done_callback(self._note_end)
        return self

    def _note_end(self, worker: asyncio.Task[None]) -> None:
        """Tell who waits for pictures that a worker failed."""
        if not worker.cancelled() and not self._ended.done():
            self._ended.set_result(worker)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            await self._desk.finish(FINISH_S)  # what is under way is paid; its answer is kept
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for key in self._held:
            self._desk.release(key)
        await self._channel.__aexit__(kind, error, trace)  # type: ignore[attr-defined]

    def decode(self, message: Message) -> Decoded:
        """Read a message that was yielded, as the instance's decoder does."""
        decoded = self._decode(message)
        self._read.append(decoded)
        return decoded

    @property
    def is_storing(self) -> bool:
        """Whether an answer is on its way to the store."""
        return bool(self._held)

    async def messages(self) -> AsyncIterator[Message]:
        """Yield a message for each picture that has to be stored, in the order answered."""
        while True:
            key, offer, message = await self._next_ready()
            self._yielded.append((key, offer))
            yield message

    async def acknowledge(self, _: Message) -> None:
        """Take a picture away whose message is committed."""
        (key, offer), decoded = self._yielded.popleft(), self._read.popleft()
        error = decoded.error
        refusal = Refusal(code=error.code, reason=error.reason) if error else None
        outcome = Outcome(key, "refused" if error else "stored", refusal)
        await offer.settle(outcome)
        self._held.discard(key)
        self._desk.settle(outcome, offer.origin.name)

    async def _next_ready(self) -> tuple[str, Offer, Message]:
        """Return what a worker has ready; raises what a worker failed with."""
        getting = asyncio.create_task(self._ready.get())
        try:
            waited: set[asyncio.Future[Any]] = {getting, self._ended}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
        finally:
            getting.cancel()
        self._ended.result().result()
        raise RuntimeError("a worker ended")

    async def _work(self) -> None:
        while True:
            await self._desk.wait_for_work()
            await self._look(await self._channel.next())  # a worker that waits holds no picture

    async def _look(self, offer: Offer) -> None:
        """Ask about a picture; what is to be stored of it is ready then."""
        try:
            key, message = await self._desk.look(offer)
        except Unavailable as error:
            await offer.leave(str(error))
            return
        if isinstance(message, Outcome):
            await offer.settle(message)
        else:
            self._held.add(key)
            await self._ready.put((key, offer, message))
