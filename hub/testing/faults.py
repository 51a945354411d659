"""What can go wrong around a delivery, made to happen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hub.dispatch.delivery import EventDelivery
from hub.dispatch.frame import FrameOnDisk
from hub.plugin import Captured

Fault = Literal["duplicate", "error", "slow", "crash"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
"""duplicate: delivered again although all went well. error: the first thing asked of the hub fails.
slow: the first thing waited for takes longer than `timeout_s`. crash: the hub dies after the effect, before
that is written down."""


class InjectedError(OSError):
    """A fault that the test asked for."""


class InjectedCrash(BaseException):
    """Stands for the end of the process; nothing after it is done."""


class Tripwire:
    """Fails the first time it is touched, and never again."""

    def __init__(self, fault: Fault | None) -> None:
        self._armed = fault == "error"

    @property
    def untouched(self) -> bool:
        """Whether it was to fail and was asked nothing."""
        return self._armed

    def touch(self, what: str) -> None:
        """Raise InjectedError if it is armed."""
        if self._armed:
            self._armed = False
            raise InjectedError(f"injected error in {what}")


@dataclass(frozen=True, slots=True)
class FaultyFrame:
    """A frame whose reading may fail."""

    digest: str
    width: int
    height: int
    media_type: str
    _frame: FrameOnDisk
    _tripwire: Tripwire

    @classmethod
    def of(cls, frame: FrameOnDisk, tripwire: Tripwire) -> FaultyFrame:
        """Wrap an event's frame."""
        return cls(frame.digest, frame.width, frame.height, frame.media_type, frame, tripwire)

    async def read(self) -> bytes:
        """Return the bytes, or fail."""
        self._tripwire.touch("frame.read")
        return await self._frame.read()


class FaultyDelivery(EventDelivery):
    """A delivery that fails where it is asked something, or ends with the process right after an effect."""

    tripwire: Tripwire
    fault: Fault | None = None

    @asynccontextmanager
    async def once(self, key: str, **more: Any) -> AsyncIterator[None]:
        """Guard an effect, see `hub.plugin.Delivery.once`; or fail."""
        self.tripwire.touch("delivery.once")
        async with super().once(key, **more):
            yield
            if self.fault == "crash":
                raise InjectedCrash

    async def count_events(self, **wanted: Any) -> int:
        """Count events, see `hub.plugin.Delivery.count_events`; or fail."""
        self.tripwire.touch("delivery.count_events")
        return await super().count_events(**wanted)

    async def capture(self, reasons: Sequence[str], **terms: Any) -> Captured:
        """Choose the event, see `hub.plugin.Delivery.capture`; or fail, or end with the process after it."""
        self.tripwire.touch("delivery.capture")
        captured = await super().capture(reasons, **terms)
        if self.fault == "crash":
            raise InjectedCrash
        return captured
