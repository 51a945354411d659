"""Wires the hub together: the one place that says what starts and stops, and in which order."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.broker import PrivateBroker, make_private_broker
from hub.config import PRIVATE, Config, read_password
from hub.decode.message import Decoded, Message
from hub.decode.registry import Decoders
from hub.devices import HUB_USER
from hub.dispatch.dispatch import Dispatch
from hub.listener import find_listener
from hub.loading import Broken, Loaded, load_instance
from hub.sources.mqtt import MqttSource
from hub.sources.topics import Topics, decode_routed
from hub.store.database import hub_lock, open_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.plugin_state import note_state
from hub.store.writer import Writer
from hub.watchdog.held_back import HeldBack
from hub.watchdog.steps import context_for
from hub.watchdog.wiring import watching
from hub.wire.connection import Connection
from hub.wire.tls import make_context

log = logging.getLogger(__name__)


def load_plugins(tables: Mapping[str, Mapping[str, Any]], data_dir: Path) -> list[Loaded | Broken]:
    """Make every instance that hub.toml has a table for."""
    held = HeldBack(data_dir, tables)
    return [load_unless_held(name, table, data_dir, held) for name, table in tables.items()]


def load_unless_held(name: str, table: Mapping[str, Any], data_dir: Path, held: HeldBack) -> Loaded | Broken:
    """Make one instance; one that is held back is not even imported."""
    if reason := held.refusal(name):
        return Broken(name, (reason,), table.get("start") == "beginning", "held back")
    context = context_for(name)
    return context.run(load_instance, name, table, data_dir)


def make_decoders(config: Config) -> Decoders:
    """Return the decoders as configured."""
    zone = ZoneInfo(config.deeplens.timezone)
    return Decoders(config.deeplens.things, zone, config.limits)


def decode_message(config: Config, message: Message) -> Decoded:
    """Return what the configured hub makes of one message."""
    return decode_routed(
        message, Topics(config.mqtt.topics), make_decoders(config), config.mqtt.known_devices
    )


async def run_hub(config: Config, stop: asyncio.Event) -> None:
    """Run until `stop` is set.

    Start: lock, database, writer, plugins, broker, source. Stop: the other way round, so that what was
    received is committed and what was delivered is settled.

    Raises:
        ConfigError: The broker cannot be started, or its password or certificates not be found.
        StoreError: The store cannot be opened, or another hub has it.
    """
    try:
        await _run(config, stop)
    except BaseExceptionGroup as group:
        raise _first_cause(group) from None


def _first_cause(error: BaseException) -> BaseException:
    """Return what went wrong, out of the groups that tasks put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _run(config: Config, stop: asyncio.Event) -> None:
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
        stack.enter_context(watching(data_dir, held, config.watchdog, note_blocked))
        plugins = await asyncio.to_thread(load_plugins, config.plugins, data_dir)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(writer.run(), name="writer")
            try:
                dispatch = Dispatch(writer, EventLog(engine), frames)
                placed = asyncio.Event()
                dispatching = group.create_task(dispatch.run(plugins, placed), name="dispatch")
                try:
                    await placed.wait()
                    await _take_in(config, writer, stop)
                finally:
                    await _cancel(dispatching)
            finally:
                writer.close()
                await writing
    log.info("hub.stopped")


async def _take_in(config: Config, writer: Writer, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        password, username = read_password(config.mqtt), config.mqtt.username
        if config.mqtt.tls:
            await asyncio.to_thread(make_context, config.mqtt.tls)  # so that wrong files stop the start
        version5 = config.mqtt.mqtt5
        if config.mqtt.broker == PRIVATE:
            limits = config.limits
            message_bytes = limits.max_event_bytes + limits.max_picture_bytes + 1
            folder = config.hub.data_dir / "broker"
            broker = make_private_broker(folder, config.mqtt.port, 2 * message_bytes, find_listener(config))
            await stack.enter_async_context(broker)
            username, password = HUB_USER, broker.password
            version5 &= isinstance(broker, PrivateBroker)
        source = _make_source(config, writer, username, password, version5=version5)
        async with asyncio.TaskGroup() as group:
            receiving = group.create_task(source.run(), name="mqtt source")
            _leave_out_of_collections()
            log.info("hub.ready")
            await stop.wait()
            log.info("hub.stopping")
            await source.finish()
            receiving.cancel()


def _leave_out_of_collections() -> None:
    """Let garbage collections pass over what is loaded by now: looking through it takes tens of ms."""
    gc.collect()
    gc.freeze()


def _make_source(
    config: Config, writer: Writer, username: str | None, password: str | None, *, version5: bool
) -> MqttSource:
    host, port = config.mqtt.address()
    connect = partial(
        Connection,
        host,
        port,
        client_id=config.mqtt.client_id,
        username=username,
        password=password,
        version5=version5,
        clean=False,
        tls=config.mqtt.tls,
    )
    return MqttSource(
        connect,
        f"{'mqtts' if config.mqtt.tls else 'mqtt'}://{host}:{port}",
        Topics(config.mqtt.topics),
        make_decoders(config),
        writer,
        known_devices=config.mqtt.known_devices,
        ours=config.mqtt.broker == PRIVATE,
    )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error
