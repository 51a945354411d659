"""Paid calls about one picture: asked once, bounded by limits, and kept until the event is stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from pydantic import JsonValue

from hub.images.spending import Spending
from hub.plugin import Limit, Reject, RetryLater
from hub.store.calls import answer_call, begin_call, give_back_call, keep_answer
from hub.store.writer import Writer

Result = TypeVar("Result")


class UsedUp(RetryLater):
    """A limit of the instance's is used up; the picture is not to blame."""


class Turn:
    """One picture's hold of a slot: from its beginning to its first call, then while calls are under way.

    What is committed meanwhile takes none, and waiting for one does not count as the plugin's time.

    Args:
        slots: How many pictures are asked about at a time.
        timeout: Ends the plugin's time.
    """

    def __init__(self, slots: asyncio.Semaphore, timeout: asyncio.Timeout) -> None:
        self._slots = slots
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._users = 0
        self._begun = False

    async def begin(self) -> None:
        """Hold a slot until the first call is prepared."""
        await self._take()
        self._begun = True

    def end(self) -> None:
        """Hold none for the picture itself any more; calls under way hold theirs."""
        if self._begun:
            self._begun = False
            self._leave()

    @asynccontextmanager
    async def of_call(self) -> AsyncIterator[None]:
        """Hold a slot while a call is made; calls about one picture share it."""
        await self._take()
        try:
            yield
        finally:
            self._leave()

    async def _take(self) -> None:
        clock = asyncio.get_running_loop().time
        began, due = clock(), self._timeout.when()
        if due is not None:
            self._timeout.reschedule(None)
        try:
            async with self._lock:
                if self._users == 0:
                    await self._slots.acquire()
                self._users += 1
        finally:
            if due is not None and not self._timeout.expired():
                self._timeout.reschedule(due + clock() - began)

    def _leave(self) -> None:
        self._users -= 1
        if self._users == 0:
            self._slots.release()


class ImageCalls:
    """The `calls` of one picture.

    Args:
        answers: JSON texts by operation, of earlier attempts.
    """

    def __init__(
        self,
        plugin: str,
        key: str,
        answers: dict[str, str],
        writer: Writer,
        spending: Spending,
    ) -> None:
        self._plugin = plugin
        self._key = key
        self._answers = answers
        self._writer = writer
        self._spending = spending
        self.turn: Turn | None = None
        """Of the attempt that is under way."""

    async def ask(
        self,
        operation: str,
        call: Callable[[], Awaitable[JsonValue]],
        *,
        price: float = 0.0,
        limits: Sequence[Limit] = (),
    ) -> JsonValue:
        """Return an answer, as `hub.plugin.Calls` says it."""
        if operation in self._answers:
            return _loaded(self._answers[operation])
        if price == 0 and not limits:
            return await self._keep(operation, await self._make(call))
        now = datetime.now(UTC)
        if refused := self._spending.refusal(limits, price, now):
            limit, after_s = refused
            raise UsedUp(after_s, f"{limit.name} is used up")
        self._spending.add(now, price)
        number = await self._commit(
            partial(begin_call, plugin=self._plugin, key=self._key, operation=operation, price=price, now=now)
        )
        try:
            text = _dumped(operation, await self._make(call))
        except (RetryLater, Reject):
            self._spending.give_back(now, price)
            await self._commit(partial(give_back_call, number=number))
            raise
        await self._commit(partial(answer_call, number=number, answer=text))
        self._answers[operation] = text
        return _loaded(text)

    async def _keep(self, operation: str, answer: JsonValue) -> JsonValue:
        text, now = _dumped(operation, answer), datetime.now(UTC)
        own = {"plugin": self._plugin, "key": self._key, "operation": operation}
        await self._commit(lambda connection: keep_answer(connection, answer=text, now=now, **own))
        self._answers[operation] = text
        return _loaded(text)

    async def _make(self, call: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        if self.turn is None:
            return await call()
        async with self.turn.of_call():
            self.turn.end()
            return await call()

    async def _commit(self, work: Callable[..., Result]) -> Result:
        if self.turn is not None:
            self.turn.end()
        return await self._writer.change(work)


def _dumped(operation: str, answer: JsonValue) -> str:
    try:
        return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the answer to {operation} is not JSON: {error}") from error


def _loaded(text: str) -> JsonValue:
    found: JsonValue = json.loads(text)
    return found
