"""Plays the hub for tests of rekognition: keeps answers and the memory of a batch, in a dict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from hub.plugin import Limit


class Ledger:
    """The `calls` of one picture; `asked` are (operation, price, names of limits) as they came."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, float, list[str]]] = []

    async def ask(
        self,
        operation: str,
        call: Callable[[], Awaitable[Any]],
        *,
        price: float = 0.0,
        limits: Sequence[Limit] = (),
    ) -> Any:
        self.asked.append((operation, price, [limit.name for limit in limits]))
        if operation not in self.answers:
            self.answers[operation] = await call()
        return self.answers[operation]


class Crash(BaseException):
    """The hub dies here."""


class Memory:
    """A batch whose memory outlives the instance; `notes` is what `lenshub plugins` would show."""

    crash = Crash

    def __init__(self, backlog: int = 120) -> None:
        self.number = 1
        self.backlog = backlog
        self.kept: dict[str, Any] = {}
        self.notes: list[str] = []
        self.crash_before: str | None = None
        self.crash_after: str | None = None

    @property
    def memory(self) -> Mapping[str, Any]:
        return self.kept

    async def remember(self, **values: Any) -> None:
        """Keep values; dies before or after that where the test says so of the stage."""
        stage = values.get("stage")
        if stage is not None and stage == self.crash_before:
            raise Crash
        self.kept |= values
        if stage is not None and stage == self.crash_after:
            raise Crash

    def note(self, text: str) -> None:
        self.notes.append(text)
