"""The broker for trying out where there is no Mosquitto: amqtt, in this process, on the loopback only."""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from amqtt.adapters import BufferReader, StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import AMQTTError, CodecError, MQTTError, NoDataError
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import CONNECT, MQTTFixedHeader
from amqtt.plugins.base import BaseTopicPlugin
from amqtt.session import Session

from hub.devices import HUB_USER, DeviceRegistry
from hub.errors import ConfigError
from hub.wire.protocol import ack_topic, parse_upward

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
CONNECT_S = 5.0  # for a client to say who it is
STOP_S = 5.0
CONNECT_BYTES = 65_536
WEAKER = (
    "broker.embedded mosquitto is not installed, so amqtt runs in this process, which is for trying out: "
    "MQTT 3.1.1, slow, nothing kept when the hub stops (agents send it again), and no $aws/... topics, so "
    "no DeepLens functions; for real use `apt-get install mosquitto`"
)
_MQTT_311 = b"\x00\x04MQTT\x04"
_WRONG_VERSION, _NOT_AUTHORISED = b"\x20\x02\x00\x01", b"\x20\x02\x00\x05"
_UNREADABLE = (AMQTTError, CodecError, MQTTError, NoDataError, ValueError, EOFError, OSError, TimeoutError)


class EmbeddedBroker:
    """An async context in which amqtt serves on the loopback; `password` is the hub's own.

    amqtt looks at a client's password only after it has let it replace the client of the same id, takes any
    last will, and shows retained messages to everybody. So who connects is judged here, before amqtt sees
    it: the client id becomes the user name, a will must be on a topic of the user's, nothing is retained.

    Args:
        folder: Where the devices' passwords are kept.
        message_bytes: The largest payload it takes; a client that sends a larger one is disconnected.

    Raises:
        ConfigError: On entering: the port is in use.
    """

    def __init__(self, folder: Path, port: int, message_bytes: int) -> None:
        self.port = port
        self.password = secrets.token_urlsafe(24)
        self._registry = DeviceRegistry(folder)
        self._message_bytes = message_bytes
        self._clients: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        _say_once("amqtt", "transitions")
        self._broker = _Broker(
            BrokerConfig(
                listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)},
                plugins={
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False},
                    f"{__name__}.{DeviceRules.__name__}": {},
                },
            )
        )
        await self._broker.start()
        try:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)
        except OSError as error:
            await self._broker.shutdown()
            if error.errno != errno.EADDRINUSE:
                raise
            raise ConfigError(
                f"mqtt.port: port {self.port} on {HOST} is in use by another program; "
                "choose another in hub.toml, or stop that program"
            ) from error
        log.warning(WEAKER)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self._broker.shutdown()
        except TimeoutError:
            log.warning("broker.stuck amqtt does not stop; it ends with the process")
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._clients.add(task)
        try:
            async with asyncio.timeout(CONNECT_S):
                connect = await self._admit(reader, writer)
            if connect is not None:
                stream = _Admitted(connect, reader, self._message_bytes)
                await self._broker.external_connected(stream, StreamWriterAdapter(writer), "default")
        except _UNREADABLE as error:
            log.debug("broker.unreadable %s", error)
        finally:
            self._clients.discard(task)
            writer.close()

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """Return the CONNECT that amqtt is to see, or None for a client that was refused."""
        head = await MQTTFixedHeader.from_stream(StreamReaderAdapter(reader))
        if head is None or head.packet_type != CONNECT or head.remaining_length > CONNECT_BYTES:
            return None
        body = await reader.readexactly(head.remaining_length)
        if not body.startswith(_MQTT_311):
            writer.write(_WRONG_VERSION)
            return None
        connect = await ConnectPacket.from_stream(BufferReader(head.to_bytes() + body))
        user = connect.username or ""
        if not await self._knows(user, connect.password or "") or not _may_leave(connect, user):
            writer.write(_NOT_AUTHORISED)
            return None
        connect.client_id = user
        connect.clean_session_flag = True  # what amqtt keeps of a session it gives back as if retained
        connect.keep_alive = 0  # amqtt never acts on it, but can lose half a packet when it has passed
        return bytes(connect.to_bytes())

    async def _knows(self, user: str, password: str) -> bool:
        if user == HUB_USER:
            return hmac.compare_digest(password.encode(), self.password.encode())
        return await asyncio.to_thread(self._registry.knows, user, password)


class DeviceRules(BaseTopicPlugin):  # type: ignore[misc] # amqtt has no types
    """amqtt's plugin for our rules: a device writes its own upward topics and reads its own ack."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Whether a client may do something on a topic."""
        if session is None or topic is None:
            return False
        return _may(session.username, topic, writes=action == Action.PUBLISH)


def _may(user: str, topic: str, *, writes: bool) -> bool:
    if user == HUB_USER:
        return not writes or (topic.startswith("lenshub/v1/") and topic.endswith("/ack"))
    if not writes:
        return topic == ack_topic(user)
    parsed = parse_upward(topic)
    return parsed is not None and parsed[0] == user


def _may_leave(connect: ConnectPacket, user: str) -> bool:
    """Whether the last will of a client, if it has one, is on a topic it may write; amqtt does not ask."""
    return not connect.will_flag or _may(user, connect.will_topic or "", writes=True)


class _Broker(Broker):  # type: ignore[misc]
    async def retain_message(self, *_: Any, **__: Any) -> None:
        """Keep nothing: amqtt shows what is retained to every client, whatever it may read."""


class _Admitted(StreamReaderAdapter):  # type: ignore[misc]
    """What a client sends, beginning with a CONNECT that was read already."""

    def __init__(self, connect: bytes, reader: asyncio.StreamReader, most_bytes: int) -> None:
        super().__init__(reader)
        self._connect, self._most_bytes = connect, most_bytes

    async def read(self, n: int = -1) -> bytes:
        """Read `n` bytes; raises ValueError when a client wants more of the memory than it may."""
        if self._connect:
            part, self._connect = self._connect[:n], self._connect[n:]
            return part
        if n > self._most_bytes:
            raise ValueError(f"a message of {n} bytes is larger than {self._most_bytes}")
        data: bytes = await super().read(n)
        return data


class _Once(logging.Handler):
    """Passes on the first of each kind of complaint: amqtt repeats them for every message."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: set[tuple[str, int]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Say a complaint in one line, unless one from the same place was said."""
        place = (record.pathname, record.lineno)
        if place not in self._seen:
            self._seen.add(place)
            log.log(record.levelno, "broker.says %s", record.getMessage().partition("\n")[0])


def _say_once(*names: str) -> None:
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_Once()], False
        logger.setLevel(logging.WARNING)
