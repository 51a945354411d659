"""Wires the hub together: the one place that says what starts and stops, and in which order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.commands.executor import Executor
from hub.commands.reload import Reload
from hub.companion import Companion, add_decoder
from hub.config import Config
from hub.decode.message import Decoded, Message
from hub.decode.registry import Decoders
from hub.dispatch.dispatch import Dispatch
from hub.errors import first_cause
from hub.garbage import collect_by_the_clock, leave_out_of_collections
from hub.images.door import Door
from hub.images.orphans import list_orphans
from hub.images.overlap import refuse_overlaps
from hub.intake import Intake
from hub.loading import Broken, Loaded
from hub.review.applying import Applier
from hub.sources.topics import Topics, decode_again
from hub.store.batches import list_open
from hub.store.database import hub_lock, open_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.plugin_state import note_state
from hub.store.tallying import Tallying
from hub.store.writer import Writer
from hub.watchdog.held_back import HeldBack
from hub.watchdog.refusal import load_unless_held
from hub.watchdog.wiring import watching

log = logging.getLogger(__name__)


def load_plugins(tables: Mapping[str, Mapping[str, Any]], data_dir: Path) -> list[Loaded | Broken]:
    """Make every instance that hub.toml has a table for."""
    held = HeldBack(data_dir, tables)
    found = [load_unless_held(name, table, data_dir, held) for name, table in tables.items()]
    return refuse_overlaps(found, tables, data_dir)


def make_decoders(config: Config) -> Decoders:
    """Return the decoders as configured."""
    zone = ZoneInfo(config.deeplens.timezone)
    return Decoders(config.deeplens.things, zone, config.limits, config.frigate)


def decode_message(config: Config, message: Message) -> Decoded:
    """Return what the configured hub makes of one message; imports the plugins that may have to read it."""
    decoders, named = make_decoders(config), {*config.mqtt.topics.values(), message.source}
    tables = {name: table for name, table in config.plugins.items() if name in named}
    for loaded in load_plugins(tables, config.hub.data_dir):
        if isinstance(loaded, Loaded):
            add_decoder(decoders, loaded)
    return decode_again(message, Topics(config.mqtt.topics), decoders, config.mqtt.known_devices)


def list_unread(config: Config, plugins: Sequence[Loaded | Broken]) -> list[str]:
    """Return a line for each topic filter that is tied to an instance without `decode`."""
    mute = {p.instance.name for p in plugins if isinstance(p, Loaded) and "decode" not in p.hooks}
    return [
        f"mqtt.topics.{topics}: plugin {name!r} has no decode"
        for topics, name in config.mqtt.topics.items()
        if name in mute
    ]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the process that runs a hub asks of it, by events: to stop, and to read its file again."""

    stop: asyncio.Event
    reload: asyncio.Event = field(default_factory=asyncio.Event)


async def run_hub(config: Config, wishes: Wishes, path: Path | None = None) -> None:
    """Run until told to stop.

    Start: lock, database, writer, plugins, broker, source, HTTP, commands. Stop: the other way round, so that
    what was received is committed and what was delivered is settled.

    Args:
        path: The file that `config` was read from; None: hub.toml here.

    Raises:
        ConfigError: The broker cannot be started, or its password or certificates not be found.
        StoreError: The store cannot be opened, or another hub has it.
    """
    try:
        await _run(config, wishes, path)
    except BaseExceptionGroup as group:
        raise first_cause(group) from None


async def _run(config: Config, wishes: Wishes, path: Path | None) -> None:
    data_dir = config.hub.data_dir
    async with AsyncExitStack() as stack:
        stack.enter_context(hub_lock(data_dir))
        await asyncio.to_thread(upgrade, data_dir)
        engine = open_engine(data_dir)
        stack.push_async_callback(engine.dispose)
        frames = FrameStore(data_dir / "frames")
        writer = await Writer.open(data_dir, frames)

        def note_blocked(name: str, text: str) -> None:
            writer.change_soon(lambda connection: note_state(connection, name, "running", text))

        held = HeldBack(data_dir, config.plugins)
        watchdog = stack.enter_context(watching(data_dir, held, config.watchdog, note_blocked))
        plugins = await asyncio.to_thread(load_plugins, config.plugins, data_dir)
        decoders = _make_all_decoders(config, plugins)
        event_log = EventLog(engine)
        for name, what in list_orphans(await event_log.ask(list_open), config.plugins).items():
            log.error("batch.orphaned %s: %s", name, what)
        companion = Companion(writer, decoders, config.mqtt.known_devices, event_log, data_dir, config.gates)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(writer.run(), name="writer")
            try:
                dispatch = Dispatch(writer, event_log, frames, companion.run)
                placed = asyncio.Event()
                dispatching = group.create_task(dispatch.run(plugins, placed), name="dispatch")
                try:
                    await placed.wait()
                    async with asyncio.TaskGroup() as inner:
                        intake = Intake(writer, decoders, inner)
                        door = Door(data_dir, companion.uploads, event_log, lambda: decoders.limits)
                        reload = Reload(path, config, dispatch, intake, companion, watchdog, door)
                        executor = Executor(writer, engine, _decoding(reload, decoders), dispatch, reload)
                        applier = Applier(writer, engine, config.review)
                        tallying = inner.create_task(Tallying(writer, data_dir).run(), name="tallies")
                        try:
                            await _take_in(config, intake, door, executor, applier, wishes)
                        finally:
                            await _cancel(tallying)
                finally:
                    await _cancel(dispatching)
            finally:
                writer.close()
                await writing
    log.info("hub.stopped")


def _make_all_decoders(config: Config, plugins: Sequence[Loaded | Broken]) -> Decoders:
    """Return our own decoders and those of plugins, so that no message comes before its decoder."""
    decoders = make_decoders(config)
    for loaded in plugins:
        if isinstance(loaded, Loaded):
            add_decoder(decoders, loaded)
    for problem in list_unread(config, plugins):
        log.error("plugin.unread %s; its messages go to quarantine", problem)
    return decoders


def _decoding(reload: Reload, decoders: Decoders) -> Callable[[Message], Decoded]:
    def decode(message: Message) -> Decoded:
        mqtt = reload.config.mqtt
        return decode_again(message, Topics(mqtt.topics), decoders, mqtt.known_devices)

    return decode


async def _take_in(
    config: Config, intake: Intake, door: Door, executor: Executor, applier: Applier, wishes: Wishes
) -> None:
    obeying: list[asyncio.Task[None]] = []
    try:
        await intake.open(config)
        await door.open(config.http)
        obeying = [
            asyncio.create_task(executor.run(), name="commands"),
            asyncio.create_task(applier.run(), name="reviews"),
            asyncio.create_task(_reload_when_told(executor, wishes.reload), name="reload"),
            asyncio.create_task(collect_by_the_clock(), name="garbage"),
        ]
        leave_out_of_collections()
        log.info("hub.ready")
        await wishes.stop.wait()
        log.info("hub.stopping")
    finally:
        for task in obeying:
            await _cancel(task)
        await door.close()
        await intake.close()


async def _reload_when_told(executor: Executor, told: asyncio.Event) -> None:
    while True:
        await told.wait()
        told.clear()
        await executor.reload_on_signal()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error
