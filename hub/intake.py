"""What takes messages in: the private broker, where it is ours, and the source that listens to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from hub.broker import WHOLE_PREFIX, PrivateBroker, make_private_broker
from hub.config import PRIVATE, Config, read_password
from hub.decode.frigate import SOURCE as FRIGATE
from hub.decode.registry import WRITTEN_BY_DEVICES, Decoders
from hub.devices import HUB_USER
from hub.listener import find_listener
from hub.sources.mqtt import MqttSource
from hub.sources.topics import Topics
from hub.store.writer import Writer
from hub.wire.connection import Connection
from hub.wire.tls import make_context

log = logging.getLogger(__name__)


class Intake:
    """Broker and source as configured, until closed; `change` puts other settings in their place.

    Args:
        decoders: Read what is received.
        group: Its tasks run here, so that what they cannot bear ends the hub.
    """

    def __init__(self, writer: Writer, decoders: Decoders, group: asyncio.TaskGroup) -> None:
        self._writer = writer
        self._decoders = decoders
        self._group = group
        self._broker = AsyncExitStack()
        self._broker_key: tuple[Any, ...] | None = None
        self._login: tuple[str | None, str | None, bool] = (None, None, False)
        self._source: MqttSource | None = None
        self._receiving: asyncio.Task[None] | None = None

    async def open(self, config: Config) -> None:
        """Start the broker, if there is none with these settings yet, and begin to receive.

        Raises:
            ConfigError: The broker cannot be started, or its password or certificates not be found.
        """
        password, username = read_password(config.mqtt), config.mqtt.username
        if config.mqtt.tls:
            await asyncio.to_thread(make_context, config.mqtt.tls)  # so that wrong files stop the start
        if config.mqtt.broker == PRIVATE:
            await self._open_broker(config)
            username, password, version5 = self._login
        else:
            version5 = True
        version5 &= config.mqtt.mqtt5
        self._source = _make_source(
            config, self._writer, self._decoders, username, password, version5=version5
        )
        self._receiving = self._group.create_task(self._source.run(), name="mqtt source")

    async def change(self, before: Config, after: Config, configure: Callable[[Config], None]) -> None:
        """Go over to other settings; what was received by then is committed and acknowledged.

        Args:
            configure: Called between the two, when nothing is received: changes what goes with the settings.

        Raises:
            ConfigError: They do not work; those from before hold again.
        """
        await self._stop_receiving()
        try:
            await self._open_other(after, configure)
        except Exception:
            await self._open_other(before, configure)
            raise

    async def _open_other(self, config: Config, configure: Callable[[Config], None]) -> None:
        if _broker_key(config) != self._broker_key:
            await self._close_broker()
        configure(config)
        await self.open(config)

    async def close(self) -> None:
        """Receive nothing more, commit and acknowledge what was received, and stop the broker."""
        await self._stop_receiving()
        await self._close_broker()

    async def _open_broker(self, config: Config) -> None:
        if self._broker_key is not None:
            return
        limits = config.limits
        message_bytes = limits.max_event_bytes + limits.max_picture_bytes + 1
        folder = config.hub.data_dir / "broker"
        broker = make_private_broker(
            folder, config.mqtt.port, 2 * message_bytes, find_listener(config), _topics_of_others(config)
        )
        await self._broker.enter_async_context(broker)
        self._login = HUB_USER, broker.password, isinstance(broker, PrivateBroker)
        self._broker_key = _broker_key(config)

    async def _close_broker(self) -> None:
        self._broker_key = None
        await self._broker.aclose()

    async def _stop_receiving(self) -> None:
        if self._source is None or self._receiving is None:
            return
        await self._source.finish()
        self._receiving.cancel()
        await asyncio.wait([self._receiving])
        self._source = self._receiving = None


def _broker_key(config: Config) -> tuple[Any, ...] | None:
    """Return what the private broker is made of, or None where it is not ours."""
    if config.mqtt.broker != PRIVATE:
        return None
    mqtt, limits = config.mqtt, config.limits
    listen = (
        mqtt.listen,
        mqtt.listen_names,
        mqtt.listen_cert_file,
        mqtt.listen_key_file,
        mqtt.listen_ca_file,
    )
    sizes = (limits.max_event_bytes, limits.max_picture_bytes)
    return (config.hub.data_dir, mqtt.port, *listen, *sizes, *_topics_of_others(config))


def _topics_of_others(config: Config) -> list[str]:
    """Return what devices write besides our own formats' topics: filters whose first + is the device."""
    topics = config.mqtt.topics.items()
    return list(dict.fromkeys(_written(*item) for item in topics if item[1] not in WRITTEN_BY_DEVICES))


def _written(topic: str, decoder: str) -> str:
    """Return what a device writes so that we hear a topic: a Frigate says much more than that.

    A broker may end the connection of who writes where it may not: so Frigate may write its whole prefix.
    """
    if decoder != FRIGATE:
        return topic
    prefix = topic.split("/")[: -3 if topic.endswith("/snapshot") else -1]
    return WHOLE_PREFIX if len(prefix) < 2 else "/".join((*prefix, "#"))


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
