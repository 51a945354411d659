"""One plugin instance on a store of its own: deliver to it, have it decode, take from its sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.authored import is_stop
from hub.decode.hooked import HookedDecoder
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Message
from hub.decode.picture import describe_picture
from hub.dispatch.frame import FrameOnDisk
from hub.dispatch.retry import RetryPolicy
from hub.dispatch.verdict import judge_error, judge_return
from hub.errors import ConfigError
from hub.event import Event, NewEvent
from hub.loading import Broken, Loaded, load_instance, make_instance
from hub.store.arrival import Arrival, Burst
from hub.store.database import upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.settlement import Outcome
from hub.store.writer import Writer
from hub.store.writing import open_writer
from hub.testing.faults import Fault, FaultyDelivery, FaultyFrame, InjectedCrash, Tripwire


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: `crashed` is the end of the process, the rest are the hub's outcomes.

    `trace` says where the author's code failed; `missed` why the fault asked for did not come to pass.
    """

    outcome: Outcome | str
    note: str = ""
    reason: str = ""
    trace: tuple[str, ...] = field(default=(), compare=False)
    missed: str = field(default="", compare=False)


class PluginStage:
    """A running instance; `open` makes one. `data_dir` is where it may write."""

    def __init__(
        self,
        name: str,
        made: type | str,
        table: dict[str, Any],
        data_dir: Path,
        writer: Writer,
        log: EventLog,
    ) -> None:
        self._name = name
        self._made = made
        self._table = table
        self.data_dir = data_dir
        self._writer = writer
        self._log = log
        self._frames = FrameStore(data_dir / "frames")
        self._entered = AsyncExitStack()
        self._loaded: Loaded

    @classmethod
    @asynccontextmanager
    async def open(cls, plugin: type | str, data_dir: Path, **table: Any) -> AsyncIterator[PluginStage]:
        """Make an instance and enter it, with a new store in `data_dir`.

        Args:
            plugin: The plugin's class, or the name it is installed under.
            table: What would be in its table of hub.toml.

        Raises:
            ConfigError: The instance cannot be made; with every problem.
        """
        await asyncio.to_thread(upgrade, data_dir)
        name = plugin if isinstance(plugin, str) else plugin.__name__.lower()
        async with open_writer(data_dir) as (writer, engine):
            stage = cls(name, plugin, table, data_dir, writer, EventLog(engine))
            try:
                await stage.restart()
                yield stage
            finally:
                await stage._entered.aclose()

    @property
    def plugin(self) -> Any:
        """The author's object; another one after `restart`."""
        return self._loaded.plugin

    @property
    def delivers(self) -> bool:
        """Whether the plugin has `deliver`; else it only decodes or brings messages."""
        return self._loaded.delivers

    async def restart(self) -> None:
        """Leave the instance and make a new one, as a restart of the hub does; the store stays."""
        await self._entered.aclose()
        if isinstance(self._made, str):
            found = load_instance(self._name, self._table, self.data_dir)
        else:
            found = make_instance(self._name, self._made, self._table, self.data_dir)
        if isinstance(found, Broken):
            raise ConfigError(*found.problems)
        self._loaded = found
        if hasattr(found.plugin, "__aenter__"):
            await self._entered.enter_async_context(found.plugin)

    async def store(self, event: NewEvent, picture: bytes | None = None) -> Event:
        """Store an event, with its picture (JPEG) as its frame; return it as plugins get it."""
        if picture is not None:
            event = event.model_copy(update={"frame": describe_picture(picture, Limits())})
        message = Message("test", "test", b"", datetime.now(UTC))
        committed: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        arrival = Arrival(message, Decoded(events=(event,), picture=picture, device=event.device))
        self._writer.add(Burst((arrival,), committed.set_result))
        await committed
        return (await self._log.by_ids([self._writer.tail.newest]))[0]

    async def deliver(
        self, event: NewEvent, picture: bytes | None = None, *, fault: Fault | None = None
    ) -> list[Attempt]:
        """Deliver an event, stored first unless it is; return the attempts made, one or with a fault two.

        `match`, `max_age_s` and the like are the hub's and are not asked here.
        """
        stored = event if isinstance(event, Event) else await self.store(event, picture)
        first = await self._attempt(stored, 1, fault)
        if fault is None:
            return [first]
        if fault == "crash":
            await self.restart()
        return [first, await self._attempt(stored, 2 if fault in {"error", "slow"} else 1, None)]

    async def _attempt(self, event: Event, number: int, fault: Fault | None) -> Attempt:
        tripwire = Tripwire(fault)
        name = self._loaded.instance.name
        delivery = FaultyDelivery(name, event, number, self._writer, self._log, lambda: datetime.now(UTC))
        delivery.tripwire, delivery.fault = tripwire, fault
        frame = FrameOnDisk.of(event, self._frames)
        faulty = FaultyFrame.of(frame, tripwire) if frame is not None else None
        limit = asyncio.timeout(self._loaded.instance.settings.timeout_s)
        try:
            verdict = judge_return(await self._call(event, faulty, delivery, limit, late=fault == "slow"))
        except InjectedCrash:
            return Attempt("crashed")
        except BaseException as error:
            if is_stop(error):
                raise
            retries = RetryPolicy(self._loaded.instance.settings.attempts)
            verdict = judge_error(error, number, retries, left_unknown=delivery.left_unknown)
        if fault == "crash":
            return Attempt("crashed")
        missed = "it asked nothing of the hub" if tripwire.untouched and not verdict.failed else ""
        if fault == "slow" and not limit.expired() and not verdict.failed:
            missed = "it waited for nothing"
        return Attempt(verdict.outcome, verdict.note, verdict.reason, verdict.trace, missed)

    async def _call(
        self,
        event: Event,
        frame: FaultyFrame | None,
        delivery: FaultyDelivery,
        limit: asyncio.Timeout,
        *,
        late: bool,
    ) -> object:
        """Call the author's function; `late` cancels it where it first waits for something."""
        async with limit:
            if late:
                limit.reschedule(asyncio.get_running_loop().time())
            return await self._loaded.instance.deliver(event, frame, delivery)

    def decode(self, message: Message) -> Decoded:
        """Have the instance's `decode` read a message, checked as in the hub.

        Raises:
            PayloadError: As the author raised it, or `decoder_failed`.
        """
        return HookedDecoder(self._name, self._loaded.hooks["decode"], Limits)(message)

    async def take(self, count: int, timeout_s: float = 10.0) -> list[Decoded]:
        """Read so many messages from the instance's sources, one source after the other; acknowledge each.

        Raises:
            TimeoutError: They did not come in time.
        """
        found: list[Decoded] = []
        async with asyncio.timeout(timeout_s):
            for source in self._loaded.hooks["sources"]():
                async with AsyncExitStack() as stack:
                    if hasattr(source, "__aenter__"):
                        await stack.enter_async_context(source)
                    async for message in source.messages():
                        found.append(self.decode(message))
                        await source.acknowledge(message)
                        if len(found) == count:
                            return found
        return found
