"""One MQTT connection, acknowledged by the caller. The only module that touches aiomqtt's inside.

aiomqtt acknowledges on arrival, takes three system calls a packet and one task a message, and hides reason
codes and the DUP flag. Here packets are read from a buffer, messages come in bursts, PUBACKs leave in one
write, and reading can be paused. Measured in docs/numbers.md.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.errors import ConfigError
from hub.wire.connect_error import Attempt, HandshakeLostError, explain, explain_silence
from hub.wire.received import Received as Received
from hub.wire.received import read_publish
from hub.wire.tls import Tls, make_context

READ_BYTES = 65536  # at least a TLS record (16 KiB): bytes left in OpenSSL would not wake the loop
BURST_MESSAGES = 250
SUBSCRIBE_FILTERS = 8  # in one packet; AWS IoT takes no more
_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it a round trip takes 42 ms, not 0.4


@dataclass(frozen=True, slots=True)
class Refusal:
    """A publish the broker answered with a failure (MQTT 5 only; 3.1.1 cannot say)."""

    mid: int
    topic: str
    reason: str


def _kept_session() -> Properties:
    """Ask an MQTT 5 broker to keep the session; without this it ends with the connection."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 2**32 - 1
    return properties


class _Client(aiomqtt.Client):
    """aiomqtt's client, with a buffer under paho and a list instead of a queue."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.inbox: list[Received] = []
        self.refusals: list[Refusal] = []
        self.topics: dict[int, str] = {}
        self.max_packet_bytes: int | None = None
        self.session_present = False
        self.reading = True
        self.cause: OSError | None = None
        self._wake: asyncio.Future[None] | None = None
        self._chunk = b""
        self._offset = 0
        self._recv = self._client._sock_recv
        self._client._sock_recv = self._recv_buffered  # type: ignore[method-assign, assignment]
        # Ours at once: looking for callbacks by filter, paho leaves a cycle behind for every message.
        self._client._handle_on_message = self._take_message  # type: ignore[method-assign]
        self._client._ssl_wrap_socket = self._shake_hands  # type: ignore[method-assign, assignment]
        self._client.manual_ack_set(True)

    def _shake_hands(self, sock: socket.socket) -> ssl.SSLSocket:
        """Return the socket with TLS on it; paho would leave it open where the handshake fails."""
        context = self._client._ssl_context
        assert context is not None  # noqa: S101 - paho comes here only with one
        secured = context.wrap_socket(sock, server_hostname=self._hostname, do_handshake_on_connect=False)
        try:
            secured.settimeout(self._client.connect_timeout)
            secured.do_handshake()
        except (ConnectionError, TimeoutError, ssl.SSLEOFError) as error:
            secured.close()
            raise HandshakeLostError(str(error)) from error
        except BaseException:
            secured.close()
            raise
        return secured

    def _recv_buffered(self, size: int) -> bytes:
        if self._offset >= len(self._chunk):
            try:
                self._chunk, self._offset = self._recv(READ_BYTES), 0
            except BlockingIOError:
                raise
            except OSError as error:
                self.cause = error  # paho only says that the connection is lost
                raise
        part = self._chunk[self._offset : self._offset + size]
        self._offset += len(part)
        return part

    def read_available(self) -> None:
        """Read what has arrived, at most a burst; what is left in the buffer waits for the next turn.

        paho reads the first packet of each turn, so that it knows that the broker lives.
        """
        room = len(self.inbox) + BURST_MESSAGES
        try:
            code = self._client.loop_read()
            # after an error paho reads no further, and what is buffered would never be used up
            while (
                code == paho.MQTT_ERR_SUCCESS and self._offset < len(self._chunk) and len(self.inbox) < room
            ):
                code = paho.MQTT_ERR_SUCCESS if self._take_publish() else self._client.loop_read()
        except Exception as error:  # noqa: BLE001 - any failure here means the connection is unusable
            self._fail(error)
        if self._offset < len(self._chunk):
            self._loop.call_soon(self.read_on)
        self.wake()

    def _fail(self, error: Exception) -> None:
        if not self._disconnected.done():
            self._disconnected.set_exception(error)

    def _take_publish(self) -> bool:
        """Read one PUBLISH past paho, which spends 9 us on it; return False where that is not possible."""
        amid_packet = self._client._in_packet["command"] != 0
        if amid_packet or self._client._protocol == paho.MQTTv5:
            return False
        found = read_publish(self._chunk, self._offset)
        if found is None:
            return False
        message, self._offset = found
        self.inbox.append(message)
        return True

    def read_on(self) -> None:
        """Go on with what is buffered, unless reading is paused or over."""
        if self.reading and self._offset < len(self._chunk) and not self._disconnected.done():
            self.read_available()

    async def _wait_for(self, fut: Awaitable[Any], timeout: float | None) -> Any:  # noqa: ASYNC109
        """Wait as aiomqtt does, but not by `wait_for`, which in Python 3.11 can swallow a cancellation."""
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None

    def wake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def wait(self) -> None:
        self._wake = self._loop.create_future()
        await self._wake

    def _on_socket_open(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        descriptor = sock.fileno()

        def start() -> None:
            if client.socket() is sock:
                self._loop.add_reader(descriptor, self.read_available)
                self._misc_task = self._loop.create_task(self._misc_loop())

        self._loop.call_soon_threadsafe(start)  # paho connects in an executor thread

    def _on_socket_register_write(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        """Write on once there is room, unless the connection is lost before the loop comes to it.

        aiomqtt would then wait for a closed descriptor, or for one that by now is another socket's.
        """
        descriptor = sock.fileno()

        def start() -> None:
            if client.socket() is sock and client._registered_write:
                self._loop.add_writer(descriptor, self.write_on)

        self._loop.call_soon_threadsafe(start)

    def write_on(self) -> None:
        """Write what waits, as much as there is room for."""
        try:
            self._client.loop_write()
        except OSError as error:
            self._fail(error)

    def _on_connect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = bool(flags.session_present)
        self.max_packet_bytes = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if not self._connected.done():  # aiomqtt would let its caller wait for the timeout
            self._loop.call_soon_threadsafe(self._fail_connecting)
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _fail_connecting(self) -> None:
        if not self._connected.done():
            self._connected.set_exception(self.cause or ConnectionResetError())

    def close_socket(self) -> None:
        """Let go of the socket, if there is one."""
        self._client._sock_close()

    def _take_message(self, message: paho.MQTTMessage) -> None:
        topic = message._topic.decode("utf-8", "replace")
        payload = bytes(message.payload)
        self.inbox.append(Received(topic, payload, message.mid, message.qos, message.dup, message.retain))

    def _on_publish(
        self, client: paho.Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        topic = self.topics.pop(mid, "")
        if reason_code.is_failure:
            self.refusals.append(Refusal(mid, topic, str(reason_code)))
            self.wake()
        super()._on_publish(client, userdata, mid, reason_code, properties)


class Connection:
    """An async context: connected inside, gone after. Make a new one for each connection.

    Args:
        keepalive_s: A broker that hangs is noticed after about twice this.
        version5: Speak MQTT 5 (reason codes; three times the cost a message) instead of 3.1.1.
        clean: False keeps the broker's session, with its unacknowledged messages, across connections.
        max_in_flight: How many QoS 1 publishes may wait for their PUBACK; further ones queue here.
        tls: Speak TLS; None for not. Its files are read at each connecting, so they may be renewed.

    Raises:
        ConnectError: On entering, when the broker cannot be reached or refuses; it says why.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client_id: str,
        username: str | None = None,
        password: str | None = None,
        keepalive_s: int = 20,
        version5: bool = False,
        clean: bool = True,
        will: aiomqtt.Will | None = None,
        timeout_s: float = 10,
        max_in_flight: int = 100,
        tls: Tls | None = None,
    ) -> None:
        self._attempt = Attempt(host, port, tls, username)
        self.client_id = client_id
        self._client = _Client(
            host,
            port,
            identifier=client_id,
            username=username,
            password=password,
            protocol=aiomqtt.ProtocolVersion.V5 if version5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if version5 else clean,
            clean_start=clean if version5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
            properties=_kept_session() if version5 and not clean else None,
            keepalive=keepalive_s,
            will=will,
            timeout=timeout_s,
            max_inflight_messages=max_in_flight,
            socket_options=(_NO_DELAY,),
        )
        self._paho = self._client._client

    async def __aenter__(self) -> Self:
        entered = False
        try:
            await self._connect()
            entered = True
        except (aiomqtt.MqttError, ConfigError, OSError) as error:
            raise self._explain(error) from error
        finally:
            if not entered:  # aiomqtt would leave the socket, and the loop reading it
                self._client.close_socket()
        self._client._disconnected.add_done_callback(self._ended)
        return self

    async def _connect(self) -> None:
        if self._attempt.tls is not None:
            self._paho.tls_set_context(await asyncio.to_thread(make_context, self._attempt.tls))
        await self._client.__aenter__()

    def _explain(self, error: Exception) -> aiomqtt.MqttError:
        cause = (
            error.__context__ if type(error) is aiomqtt.MqttError else error
        )  # what aiomqtt put into words
        if isinstance(cause, TimeoutError) and self._paho.socket() is not None:
            return explain_silence(self._attempt, "takes the connection and says nothing")
        return explain(self._attempt, cause or error)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        await self._client.__aexit__(kind, error, trace)

    def _ended(self, disconnected: asyncio.Future[None]) -> None:
        disconnected.exception()  # retrieved here, raised by receive and publish_soon
        self._client.wake()

    def _lost(self) -> aiomqtt.MqttError | None:
        disconnected = self._client._disconnected
        if not disconnected.done():
            return None
        return aiomqtt.MqttError(f"connection lost: {disconnected.exception() or 'closed'}")

    @property
    def connected(self) -> bool:
        """Whether the connection still stands, as far as is known."""
        return not self._client._disconnected.done()

    @property
    def session_present(self) -> bool:
        """Whether the broker kept this client's session since it was last connected."""
        return self._client.session_present

    @property
    def max_packet_bytes(self) -> int | None:
        """The largest packet the broker says it takes (MQTT 5 only), or None when it names no limit."""
        return self._client.max_packet_bytes

    async def subscribe(self, filters: Sequence[str], qos: int = 1) -> None:
        """Subscribe to topic filters at the given QoS; raises MqttError when the broker refuses one."""
        for at in range(0, len(filters), SUBSCRIBE_FILTERS):
            some = filters[at : at + SUBSCRIBE_FILTERS]
            codes = await self._client.subscribe([(topic_filter, qos) for topic_filter in some])
            for topic_filter, code in zip(some, cast("list[ReasonCode]", codes), strict=True):
                if code.is_failure:
                    raise aiomqtt.MqttError(f"the broker refused the subscription to {topic_filter}: {code}")

    async def receive(self) -> list[Received]:
        """Wait for messages and return all that have arrived, oldest first.

        Returns early with an empty list when a publish was refused (see `refused`).

        Raises:
            aiomqtt.MqttError: The connection is lost and everything received was returned.
        """
        client = self._client
        while not client.inbox and not client.refusals:
            if lost := self._lost():
                raise lost
            await client.wait()
        burst, client.inbox = client.inbox, []
        return burst

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Send the PUBACKs of QoS 1 messages in one write; does nothing once the connection is lost."""
        packets = b"".join(b"\x40\x02" + m.mid.to_bytes(2, "big") for m in messages if m.qos == 1)
        if packets and self.connected:
            self._paho._packet_queue(paho.PUBACK, packets, messages[-1].mid, 1)

    def publish_soon(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> int:
        """Hand a message to the connection and return its message id, without waiting for the broker.

        Raises:
            aiomqtt.MqttError: The connection is lost.
        """
        info = self._paho.publish(topic, payload, qos, retain)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise self._lost() or aiomqtt.MqttError(f"cannot publish: {paho.error_string(info.rc)}")
        if qos:
            self._client.topics[info.mid] = topic
        return info.mid

    async def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Publish and wait for the broker's PUBACK; raises MqttError on loss or timeout."""
        await self._client.publish(topic, payload, qos, retain)

    def refused(self) -> list[Refusal]:
        """Return the publishes refused since last asked."""
        refusals, self._client.refusals = self._client.refusals, []
        return refusals

    @property
    def unsent(self) -> int:
        """How many publishes have no PUBACK yet."""
        return len(self._paho._out_messages)

    def pause(self) -> None:
        """Stop reading the socket, so that the broker holds what comes; the only bound that it honours."""
        sock = self._paho.socket()
        if self._client.reading and sock is not None:
            self._client._loop.remove_reader(sock.fileno())
            self._client.reading = False

    def resume(self) -> None:
        """Read the socket again."""
        sock = self._paho.socket()
        if not self._client.reading and sock is not None and self.connected:
            self._client._loop.add_reader(sock.fileno(), self._client.read_available)
            self._client._loop.call_soon(self._client.read_on)
        self._client.reading = True
