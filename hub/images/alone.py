"""Classifies files without a hub: its store, one instance and its desk, for as long as that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from hub.authored import in_words
from hub.companion import add_decoder
from hub.config import Config
from hub.decode.registry import Decoders
from hub.errors import ConfigError, HubError
from hub.gate.gate import Gate, make_gate
from hub.images.desk import Desk
from hub.images.files import FilesChannel
from hub.images.offer import Outcome
from hub.images.source import ImageSource
from hub.images.told import Tell, Told, not_asked
from hub.loading import Broken, Loaded
from hub.program import load_plugins, make_decoders
from hub.sources.hooked import HookedSource
from hub.sources.topics import decode_known
from hub.store.calls import read_known
from hub.store.database import hub_lock, upgrade
from hub.store.log import EventLog
from hub.store.writer import Writer
from hub.store.writing import open_writer

LOOK_EVERY_S = 0.1
LONGEST_WAIT_S = 60.0
START_S = 60.0


class TookTooLongError(HubError):
    """The far side must be waited for longer than somebody at a terminal should."""


def load_classifier(config: Config, source: str) -> Loaded:
    """Return the instance that is to be asked; raises ConfigError where it cannot be."""
    if source not in config.plugins:
        known = ", ".join(sorted(config.plugins)) or "none"
        raise ConfigError(f"there is no plugin {source!r} in hub.toml (known: {known})")
    (found,) = load_plugins({source: config.plugins[source]}, config.hub.data_dir)
    if isinstance(found, Broken):
        raise ConfigError(*found.problems)
    if "classify" not in found.hooks:
        raise ConfigError(f"plugins.{source}: has no classify hook, so it cannot be asked about pictures")
    if found.instance.settings.images.batch is not None:
        raise ConfigError(f"plugins.{source}: its model runs in batches only; put the files where they look")
    return found


async def classify_files(
    config: Config, source: str, paths: Sequence[Path], tell: Tell, timeout_s: float
) -> None:
    """Ask an instance about files, store what it says, and tell of each.

    Args:
        timeout_s: When nothing was answered for so long, the rest is not asked about.

    Raises:
        ConfigError: The instance cannot be asked.
        HubError: A hub holds the store, or the far side must be waited for too long.
    """
    loaded = load_classifier(config, source)
    data_dir = config.hub.data_dir
    async with AsyncExitStack() as stack:
        stack.enter_context(hub_lock(data_dir))
        await asyncio.to_thread(upgrade, data_dir)
        writer, engine = await stack.enter_async_context(open_writer(data_dir))
        if hasattr(loaded.plugin, "__aenter__"):
            await _enter(stack, loaded)
        decoders = make_decoders(config)
        add_decoder(decoders, loaded)
        name = loaded.instance.settings.images.gate
        gate = await stack.enter_async_context(make_gate(name, config.gates)) if name else None
        await _Run(config, loaded, decoders, writer, EventLog(engine), gate).run(paths, tell, timeout_s)


async def _enter(stack: AsyncExitStack, loaded: Loaded) -> None:
    place = f"plugins.{loaded.instance.name}: cannot be started"
    try:
        async with asyncio.timeout(START_S):
            await stack.enter_async_context(loaded.plugin)
    except TimeoutError as error:
        raise HubError(f"{place} within {START_S:g} s") from error
    except Exception as error:
        raise HubError(f"{place}: {in_words(error)}") from error


class _Run:
    """One instance's desk with a channel of named files."""

    def __init__(
        self,
        config: Config,
        loaded: Loaded,
        decoders: Decoders,
        writer: Writer,
        event_log: EventLog,
        gate: Gate | None,
    ) -> None:
        self._config = config
        self._decoders = decoders
        self._writer = writer
        self._log = event_log
        self._desk = Desk(loaded, writer, event_log, lambda: decoders.limits, gate)
        self._outcomes: asyncio.Queue[tuple[Path, Outcome]] = asyncio.Queue()

    async def run(self, paths: Sequence[Path], tell: Tell, timeout_s: float) -> None:
        await self._desk.open()
        name, left = self._desk.name, list(paths)
        decode = partial(decode_known, name, decoders=self._decoders, known=self._config.mqtt.known_devices)
        most = self._config.limits.max_picture_bytes
        channel = FilesChannel(name, paths, self._desk.settings, most, self._note)
        source = ImageSource(channel, self._desk, decode)
        taking = asyncio.create_task(HookedSource(name, source, source.decode, self._writer).run())
        try:
            while left:
                path, outcome = await self._next_outcome(source, timeout_s)
                left.remove(path)
                tell(await self._told(path, outcome))
        except TookTooLongError as error:
            for path in left:
                tell(not_asked(path, str(error)))
            raise HubError(f"not asked about the rest: {error}; they lie where they were") from None
        finally:
            taking.cancel()
            await asyncio.wait([taking])

    def _note(self, path: Path, outcome: Outcome) -> None:
        self._outcomes.put_nowait((path, outcome))

    async def _next_outcome(self, source: ImageSource, timeout_s: float) -> tuple[Path, Outcome]:
        """Return what became of some file; raises TookTooLongError, but not while an answer comes."""
        loop, patience = asyncio.get_running_loop(), self._desk.patience
        until = loop.time() + timeout_s
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    return await self._outcomes.get()
            except TimeoutError:
                comes = self._desk.is_asking or source.is_storing or not self._outcomes.empty()
                if patience.left_s > LONGEST_WAIT_S and not comes:
                    raise TookTooLongError(patience.reason) from None
                if loop.time() > until:
                    why = f": {patience.reason}" if patience.reason else ""
                    raise TookTooLongError(f"no answer for {timeout_s:g} s{why}") from None

    async def _told(self, path: Path, outcome: Outcome) -> Told:
        if outcome.refusal is not None:
            return Told(path, "refused", error=outcome.refusal.model_dump())
        known = await self._log.ask(partial(read_known, plugin=self._desk.name, key=outcome.key))
        if known.event_id is None:
            return Told(path, outcome.kind)
        (event,) = await self._log.by_ids([known.event_id])
        return Told(path, "stored", event.model_dump(mode="json"))
