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


class Slots:
    """How many pictures are asked about at a time; who waits for the store gives its slot up meanwhile."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold one of them."""
        async with self._free:
            yield

    @asynccontextmanager
    async def given_up(self) -> AsyncIterator[None]:
        """Give up the one that is held; it is held again afterwards, whatever happens."""
        self._free.release()
        try:
            yield
        finally:
            await asyncio.shield(self._free.acquire())


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
        slots: Slots,
        spending: Spending,
    ) -> None:
        self._plugin = plugin
        self._key = key
        self._answers = answers
        self._writer = writer
        self._slots = slots
        self._spending = spending

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
            return await self._keep(operation, await call())
        now = datetime.now(UTC)
        if refused := self._spending.refusal(limits, price, now):
            limit, after_s = refused
            raise UsedUp(after_s, f"{limit.name} is used up")
        self._spending.add(now, price)
        number = await self._commit(
            partial(begin_call, plugin=self._plugin, key=self._key, operation=operation, price=price, now=now)
        )
        try:
            text = _dumped(operation, await call())
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

    async def _commit(self, work: Callable[..., Result]) -> Result:
        async with self._slots.given_up():
            return await self._writer.change(work)


def _dumped(operation: str, answer: JsonValue) -> str:
    try:
        return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the answer to {operation} is not JSON: {error}") from error


def _loaded(text: str) -> JsonValue:
    found: JsonValue = json.loads(text)
    return found
