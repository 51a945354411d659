"""Wires the hub together: the one place that says what starts and stops, and in which order."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.broker import PrivateBroker, make_private_broker
from hub.companion import Companion, add_decoder
from hub.config import PRIVATE, Config, read_password
from hub.decode.message import Decoded, Message
from hub.decode.registry import DECODER_NAMES, Decoders
from hub.devices import HUB_USER
from hub.dispatch.dispatch import Dispatch
from hub.listener import find_listener
from hub.loading import Broken, Loaded, load_instance
from hub.sources.mqtt import MqttSource
from hub.sources.topics import Topics, decode_routed
from hub.store.database import hub_lock, open_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.writer import Writer
from hub.wire.connection import Connection
from hub.wire.tls import make_context

log = logging.getLogger(__name__)


def load_plugins(tables: Mapping[str, Mapping[str, Any]], data_dir: Path) -> list[Loaded | Broken]:
    """Make every instance that hub.toml has a table for."""
    return [load_instance(name, table, data_dir) for name, table in tables.items()]


def make_decoders(config: Config) -> Decoders:
    """Return the decoders as configured."""
    zone = ZoneInfo(config.deeplens.timezone)
    return Decoders(config.deeplens.things, zone, config.limits)


def decode_message(config: Config, message: Message) -> Decoded:
    """Return what the configured hub makes of one message; imports the plugins that topics are tied to."""
    decoders, named = make_decoders(config), set(config.mqtt.topics.values())
    tables = {name: table for name, table in config.plugins.items() if name in named}
    for loaded in load_plugins(tables, config.hub.data_dir):
        if isinstance(loaded, Loaded):
            add_decoder(decoders, loaded, config.limits)
    return decode_routed(message, Topics(config.mqtt.topics), decoders, config.mqtt.known_devices)


def list_unread(config: Config, plugins: Sequence[Loaded | Broken]) -> list[str]:
    """Return a line for each topic filter that is tied to an instance without `decode`."""
    mute = {p.instance.name for p in plugins if isinstance(p, Loaded) and "decode" not in p.hooks}
    return [
        f"mqtt.topics.{topics}: plugin {name!r} has no decode"
        for topics, name in config.mqtt.topics.items()
        if name in mute
    ]


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
        plugins = await asyncio.to_thread(load_plugins, config.plugins, data_dir)
        decoders = _make_all_decoders(config, plugins)
        companion = Companion(writer, decoders, config.limits, config.mqtt.known_devices)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(writer.run(), name="writer")
            try:
                dispatch = Dispatch(writer, EventLog(engine), frames, companion.run)
                placed = asyncio.Event()
                dispatching = group.create_task(dispatch.run(plugins, placed), name="dispatch")
                try:
                    await placed.wait()
                    await _take_in(config, writer, decoders, stop)
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
            add_decoder(decoders, loaded, config.limits)
    for problem in list_unread(config, plugins):
        log.error("plugin.unread %s; its messages go to quarantine", problem)
    return decoders


async def _take_in(config: Config, writer: Writer, decoders: Decoders, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        password, username = read_password(config.mqtt), config.mqtt.username
        if config.mqtt.tls:
            await asyncio.to_thread(make_context, config.mqtt.tls)  # so that wrong files stop the start
        version5 = config.mqtt.mqtt5
        if config.mqtt.broker == PRIVATE:
            limits = config.limits
            message_bytes = limits.max_event_bytes + limits.max_picture_bytes + 1
            folder = config.hub.data_dir / "broker"
            topics = [topic for topic, name in config.mqtt.topics.items() if name not in DECODER_NAMES]
            broker = make_private_broker(
                folder, config.mqtt.port, 2 * message_bytes, find_listener(config), topics
            )
            await stack.enter_async_context(broker)
            username, password = HUB_USER, broker.password
            version5 &= isinstance(broker, PrivateBroker)
        source = _make_source(config, writer, decoders, username, password, version5=version5)
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
    config: Config,
    writer: Writer,
    decoders: Decoders,
    username: str | None,
    password: str | None,
    *,
    version5: bool,
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
        decoders,
        writer,
        known_devices=config.mqtt.known_devices,
        ours=config.mqtt.broker == PRIVATE,
    )


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error
