"""A source that a plugin brings: read, committed, acknowledged in order, and begun anew when it fails."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from hub.authored import in_words, is_stop
from hub.decode.message import Decoded, Message
from hub.decode.printing import show
from hub.plugin import Source
from hub.store.arrival import Arrival, Burst
from hub.store.writer import Writer
from hub.words import count_of

log = logging.getLogger(__name__)

UNACKNOWLEDGED = 1000
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
START_S = 60.0
ACKNOWLEDGE_S = 60.0
FINISH_S = 5.0
MAX_BYTES = 64 * 1024 * 1024
"""Of one message; above what a decoder takes it goes to quarantine, above this it is not even held."""
MAX_NAME_CHARS = 1000

Due = asyncio.Queue[tuple[Message, asyncio.Future[None]]]


class HookedSource:
    """Runs one source of a plugin instance.

    Args:
        plugin: The instance's name.
        decode: Reads its messages; never raises.
    """

    def __init__(
        self, plugin: str, source: Source, decode: Callable[[Message], Decoded], writer: Writer
    ) -> None:
        self.name = f"source {show(str(getattr(source, 'name', type(source).__name__)), 100)}"
        self._plugin = plugin
        self._place = f"{plugin} {self.name}"
        self._source = source
        self._decode = decode
        self._writer = writer
        self._trouble = ""
        self._ended = False
        self._taken = 0
        self._failing = False
        self._pause_s = FIRST_PAUSE_S

    def report(self) -> tuple[bool, str]:
        """Return whether all is well, and what to say."""
        said = f"{count_of(self._taken, 'message')} committed" + (", and it has ended" if self._ended else "")
        return (False, self._trouble) if self._trouble else (True, said)

    async def run(self) -> None:
        """Read until the source ends or this is cancelled; what was read is committed and acknowledged."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    await self._enter(stack)
                    await self._converse()
            except BaseException as error:
                if is_stop(error):
                    raise
                self._note_failure(error)
            else:
                self._ended = True
                log.info("source.ended %s", self._place)
                return
            await asyncio.sleep(self._pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _note_failure(self, error: BaseException) -> None:
        what = str(error) if isinstance(error, _LeftError) else in_words(error)
        self._trouble = show(f"{what}; trying again until it works")
        if not self._failing:
            log.warning("source.failing %s: %s", self._place, self._trouble)
        self._failing = True

    def _note_success(self) -> None:
        self._taken += 1
        self._pause_s, self._trouble = FIRST_PAUSE_S, ""
        if self._failing:
            log.info("source.recovered %s", self._place)
        self._failing = False

    async def _enter(self, stack: AsyncExitStack) -> None:
        source: Any = self._source
        if not hasattr(source, "__aenter__"):
            return
        try:
            async with asyncio.timeout(START_S):
                await stack.enter_async_context(source)
        except TimeoutError as error:
            raise TimeoutError(f"did not start within {START_S:g} s") from error

    async def _converse(self) -> None:
        """Read and acknowledge side by side; acknowledgements of an earlier conversation are forgotten."""
        loop = asyncio.get_running_loop()
        due: Due = asyncio.Queue(UNACKNOWLEDGED)
        reading = loop.create_task(_contained(self._read(due)), name=f"{self._place} reads")
        acknowledging = loop.create_task(
            _contained(self._acknowledge(due)), name=f"{self._place} acknowledges"
        )
        try:
            await asyncio.wait({reading, acknowledging}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(reading)
            settled = loop.create_task(due.join())
            await asyncio.wait(
                {settled, acknowledging}, timeout=FINISH_S, return_when=asyncio.FIRST_COMPLETED
            )
            settled.cancel()
            await _end(acknowledging)
        for task in (acknowledging, reading):
            if not task.cancelled():
                task.result()

    async def _read(self, due: Due) -> None:
        async for message in self._source.messages():
            taken = _check(message, self._plugin)
            committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await self._writer.room()
            await due.put((message, committed))
            arrival = Arrival(taken, self._decode(taken))
            self._writer.add(Burst((arrival,), lambda _, committed=committed: committed.set_result(None)))  # type: ignore[misc] # bound early
            await asyncio.sleep(0)  # a source that never waits must not keep everybody else waiting

    async def _acknowledge(self, due: Due) -> None:
        while True:
            message, committed = await due.get()
            await asyncio.shield(committed)
            async with asyncio.timeout(ACKNOWLEDGE_S):
                await self._source.acknowledge(message)
            self._note_success()
            due.task_done()


class _LeftError(Exception):
    """The author's code called sys.exit, which asyncio would end the whole program for."""


async def _contained(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise _LeftError(in_words(error)) from error


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=FINISH_S)


def _check(message: object, plugin: str) -> Message:
    """Return a message as it may be stored: its source is the instance, which can read it again.

    Raises:
        TypeError, ValueError: It is none, or holds what no database keeps.
    """
    if not isinstance(message, Message):
        raise TypeError(f"messages() yielded {type(message).__name__}, not Message")
    for name in ("source", "topic"):
        text = getattr(message, name)
        if not isinstance(text, str) or len(text) > MAX_NAME_CHARS or not text.isprintable():
            raise ValueError(
                f"a message's {name} must be printable text of at most {MAX_NAME_CHARS} characters"
            )
    if not isinstance(message.payload, bytes) or len(message.payload) > MAX_BYTES:
        raise ValueError(f"a message's payload must be bytes, at most {MAX_BYTES}")
    if message.received_at.tzinfo is None:
        raise ValueError("a message's received_at must have a time zone (datetime.now(UTC))")
    return Message(plugin, message.topic, message.payload, message.received_at)
