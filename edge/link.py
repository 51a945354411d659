"""The link: carries the spool's records to the hub over MQTT, and deletes what the hub has committed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import aiomqtt

from edge.conversation import Conversation
from edge.health import Health, HealthStatus
from edge.outage import Outage
from edge.packet_limit import PacketLimit
from edge.spool import Spool, SpoolError
from edge.stopping import run_stoppable
from hub.event import DeviceName
from hub.wire.connection import Connection
from hub.wire.protocol import AgentModel, AgentStatus, upward
from hub.wire.tls import Tls

AGENT = "lenshub-edge 0.1.0"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 15.0
AWS_IOT = re.compile(r"[a-z0-9-]+\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
AWS_PAYLOAD_BYTES = 128 * 2**10  # the packet limit that it announces is larger than what it takes
STEADY_S = 2.0  # a connection that lasts for less has not ended an outage: the broker may refuse what we say
GOODBYE_S = 2.0
UNSUPPORTED_VERSION = 0x84  # what paho also makes of the 1 that a broker of MQTT 3.1.1 answers
Protocol = Literal["auto", "5", "3.1.1"]
LOG = logging.getLogger("edge.link")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and who we are there."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    max_payload_bytes: int | None = None
    protocol: Protocol = "auto"
    """The version of MQTT; `auto` is 5, and 3.1.1 with a broker that says it does not speak 5."""

    @property
    def payload_limit(self) -> int | None:
        """The largest payload it is known to take; None where only it can tell."""
        if self.max_payload_bytes is None and AWS_IOT.fullmatch(self.host):
            return AWS_PAYLOAD_BYTES
        return self.max_payload_bytes


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Link:
    """Sends what a spool holds, in order, until it is cancelled; it never gives up.

    Args:
        spool: The open spool; records appended while the link runs are sent too.
        device: The device's name; its records' topics carry it.
        broker: Where to connect.
        models: What the agent runs, told to the hub.
        agent: This program and its version, told to the hub.
        now: The device's clock, aware UTC.
        jitter: A number in 0..1 for each wait before connecting again.
    """

    def __init__(
        self,
        spool: Spool,
        device: DeviceName,
        broker: Broker,
        *,
        models: Sequence[AgentModel] = (),
        agent: str = AGENT,
        now: Callable[[], datetime] = _utc_now,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool = spool
        self._device = device
        self._broker = broker
        self._version5 = broker.protocol != "3.1.1"
        self._now = now
        self._jitter = jitter
        limit = PacketLimit(broker.payload_limit)
        self._conversation = Conversation(spool, device, agent, tuple(models), now, limit)
        self._status: AgentStatus = HealthStatus(state="online")
        self._connection: Connection | None = None
        self._outage = Outage(LOG, f"broker {broker.host}:{broker.port}")
        self._disk = Outage(LOG, "spool")

    async def run(self) -> None:
        """Connect, send, and connect again after each loss, until cancelled."""
        await run_stoppable(self._run(), "link-run")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        with self._spool.watched(lambda: loop.call_soon_threadsafe(self._conversation.wake)):
            wait_s = FIRST_WAIT_S
            while True:
                wait_s = FIRST_WAIT_S if await self._try_once() else min(wait_s * 2, LONGEST_WAIT_S)
                await asyncio.sleep(wait_s * (0.5 + self._jitter() / 2))

    async def drained(self) -> None:
        """Wait until the hub has everything that is in the spool."""
        await self._conversation.drained()

    def report(self, state: str, text: str = "", health: Health | None = None) -> None:
        """Say what the device's state is, now and after each connect: `online`, or `error` with a text."""
        self._status = HealthStatus(state=state, at=self._now(), text=text[:2000], health=health)
        if self._connection is not None:
            with contextlib.suppress(aiomqtt.MqttError):  # said again after the next connect
                self._say(self._connection, self._status)

    async def _try_once(self) -> bool:
        """Connect and send until the connection is lost; return whether it had been of use."""
        try:
            await self._connect()
        except* aiomqtt.MqttError as group:
            well = not self._outage.lasting
            self._outage.begin(f"{_first_line(group)} (trying again; the spool keeps the records)")
        except* SpoolError as group:
            well = not self._disk.lasting
            self._disk.begin(f"{_first_line(group)} (trying again)")
        return well or self._conversation.succeeded

    async def _connect(self) -> None:
        self._conversation.succeeded = False
        async with AsyncExitStack() as stack:
            connection = await self._enter(stack)
            steady = asyncio.get_running_loop().call_later(STEADY_S, self._end_outages)
            self._connection = connection
            try:
                self._say(connection, self._status.model_copy(update={"at": self._now()}))
                await self._conversation.hold(connection, tells_reasons=self._version5)
            finally:
                steady.cancel()
                self._connection = None
                await self._say_goodbye(connection)

    async def _enter(self, stack: AsyncExitStack) -> Connection:
        """Connect, with MQTT 3.1.1 from now on if the broker does not speak 5."""
        try:
            return await stack.enter_async_context(self._make_connection())
        except aiomqtt.MqttCodeError as error:
            refused = getattr(error.rc, "value", None) == UNSUPPORTED_VERSION
            if not refused or self._broker.protocol != "auto" or not self._version5:
                raise
        self._version5 = False
        LOG.info("broker %s:%d: speaks MQTT 3.1.1, and so do we", self._broker.host, self._broker.port)
        return await stack.enter_async_context(self._make_connection())

    def _make_connection(self) -> Connection:
        will = AgentStatus(state="offline", text="connection lost").model_dump_json()
        return Connection(
            self._broker.host,
            self._broker.port,
            client_id=self._device,
            username=self._broker.username,
            password=self._broker.password,
            version5=self._version5,
            tls=self._broker.tls,
            will=aiomqtt.Will(upward(self._device, "status"), will, qos=1, retain=True),
        )

    def _end_outages(self) -> None:
        self._outage.end()
        self._disk.end()

    async def _say_goodbye(self, connection: Connection) -> None:
        if not connection.connected:
            return
        offline = AgentStatus(state="offline", at=self._now(), text="stopped").model_dump_json().encode()
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):  # the last will says it then
            async with asyncio.timeout(GOODBYE_S):
                await connection.publish(upward(self._device, "status"), offline, retain=True)

    def _say(self, connection: Connection, status: AgentStatus) -> None:
        payload = status.model_dump_json(exclude_none=True).encode()
        connection.publish_soon(upward(self._device, "status"), payload, retain=True)


def _first_line(group: BaseExceptionGroup[BaseException]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error).splitlines()[0] if str(error) else type(error).__name__
