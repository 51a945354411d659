"""Does the broker let this device in, may it say what it must, and does the hub answer?

What is sent leaves nothing behind but the state "offline": the records' epoch is the check's own, and the
number sent is early there, so the hub drops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiomqtt
from pydantic import ValidationError

from edge.check.finding import Finding, State
from edge.check.probes import Probe, make_probes
from edge.fit import fit_record
from edge.packet_limit import TOPIC_BYTES
from hub.wire.connect_error import ConnectError
from hub.wire.connection import Connection
from hub.wire.protocol import Ack, AgentModel, ack_topic, join_record, split_record

if TYPE_CHECKING:
    from edge.link import Broker

PUBACK_S = 10.0
ANSWER_S = 10.0  # of the hub
POLL_S = 0.02
RECONNECT_S = 1.0  # AWS IoT lets a client id in once a second
SKEW_S = 5.0
NO_MQTT5 = 0x84


class Login:
    """Connects as the device, once, and notes what it finds.

    Args:
        broker: Where to connect.
        device: The device's name.
        models: What the agent runs.
        record: A typical record: the event's line and a picture.
    """

    def __init__(
        self, broker: Broker, device: str, models: tuple[AgentModel, ...], record: tuple[bytes, bytes | None]
    ) -> None:
        self._broker, self._device, self._models, self._record = broker, device, models, record
        self._stack = contextlib.AsyncExitStack()
        self._nonce = secrets.token_hex(8)
        self._version5 = broker.protocol != "3.1.1"
        self._found: list[Finding] = []

    async def check(self) -> list[Finding]:
        """Return the findings, in the order of trying."""
        try:
            connection = await self._enter()
            self._note("broker", "ok", f"{self._broker.host} lets {self._device} in")
            payload = self._fit(connection)
            for probe in make_probes(self._device, self._models, payload, self._nonce):
                connection = await self._try(connection, probe)
        except aiomqtt.MqttError as error:
            self._note("broker", "wrong", str(error))
        finally:
            await self._stack.aclose()
        return self._found

    async def _enter(self) -> Connection:
        """Connect, with MQTT 3.1.1 where the broker does not speak 5, and listen for acks."""
        try:
            connection = await self._stack.enter_async_context(self._make_connection())
        except ConnectError as error:
            unsupported = getattr(error.rc, "value", None) == NO_MQTT5
            if not unsupported or self._broker.protocol != "auto":
                raise
            self._version5 = False
            connection = await self._stack.enter_async_context(self._make_connection())
        try:
            await connection.subscribe([ack_topic(self._device)])
        except aiomqtt.MqttError as error:
            self._note("rules", "wrong", f"{error} (check its access rules)")
        return connection

    def _make_connection(self) -> Connection:
        return Connection(
            self._broker.host,
            self._broker.port,
            client_id=self._device,
            username=self._broker.username,
            password=self._broker.password,
            version5=self._version5,
            tls=self._broker.tls,
        )

    def _fit(self, connection: Connection) -> bytes:
        """Return the record as it would be sent, and note if the broker takes no larger one."""
        line, picture = self._record
        payload, announced = join_record(line, picture), connection.max_packet_bytes
        limits = (self._broker.payload_limit, announced and announced - TOPIC_BYTES)
        limit = min(filter(None, limits), default=len(payload))
        if len(payload) <= limit:
            return payload
        told = f"takes records of {limit} bytes, and one frame of this camera makes {len(payload)}"
        fitted = fit_record(line, picture, limit)
        if fitted is None:
            self._note("broker", "wrong", f"{told}: not even its text alone would be sent")
            return line
        if split_record(fitted)[1] is None:
            self._note("broker", "wrong", f"{told}: pictures would be left out (raise its packet limit)")
        else:
            self._note("broker", "note", f"{told}: pictures are made smaller, to {len(fitted)} bytes")
        return fitted

    async def _try(self, connection: Connection, probe: Probe) -> Connection:
        """Send one message and note what comes of it; return a connection that stands."""
        began = datetime.now(UTC)
        trouble = await self._publish(connection, probe)
        if not trouble and probe.asks:
            await self._await_answer(connection, began)
        if trouble:
            self._note("rules", "wrong", trouble)
        else:
            self._note("rules", "ok", f"{self._device} may publish {probe.topic}")
        if connection.connected:
            return connection
        await asyncio.sleep(RECONNECT_S)
        return await self._enter()

    async def _publish(self, connection: Connection, probe: Probe) -> str:
        """Return what is wrong with publishing, or an empty text; waits for the broker's answer."""
        try:
            connection.publish_soon(probe.topic, probe.payload, retain=probe.retain)
            async with asyncio.timeout(PUBACK_S):
                while connection.unsent and connection.connected:  # noqa: ASYNC110 - nothing tells of a PUBACK
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return f"the broker does not acknowledge {probe.topic} (its access rules?)"
        if refused := connection.refused():
            return f"the broker refuses {probe.topic}: {refused[0].reason} (check its access rules)"
        if not connection.connected:
            size = f" of {len(probe.payload)} bytes" if len(probe.payload) > 1000 else ""
            why = "its packet limit, or its access rules?" if size else "its access rules?"
            return f"the broker hangs up on a message{size} to {probe.topic} ({why})"
        return ""

    async def _await_answer(self, connection: Connection, began: datetime) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                while not (ack := await self._hear(connection)):
                    pass
        except TimeoutError:
            guesses = f"is it running, at this broker? may {self._device} read {ack_topic(self._device)}?"
            self._note("hub", "wrong", f"does not answer within {ANSWER_S:.0f} s ({guesses})")
            return
        took = datetime.now(UTC) - began
        self._note("hub", "ok", f"answers in {1000 * took.total_seconds():.0f} ms")
        if ack.now is not None:  # some time between the question and the answer
            half = took / 2
            self._compare_clocks((ack.now - began - half).total_seconds(), half.total_seconds())

    async def _hear(self, connection: Connection) -> Ack | None:
        """Wait for messages, and return the answer to our question if it is among them."""
        burst = await connection.receive()
        connection.acknowledge(burst)
        for message in burst:
            with contextlib.suppress(ValidationError):  # another answer is none to us
                ack = Ack.model_validate_json(message.payload, extra="ignore")
                if ack.hello == self._nonce:
                    return ack
        return None

    def _compare_clocks(self, behind_s: float, uncertain_s: float) -> None:
        if abs(behind_s) <= SKEW_S + uncertain_s:
            self._note("clock", "ok", "agrees with the hub's")
            return
        how = "behind" if behind_s > 0 else "ahead of"
        text = f"is {abs(behind_s):.0f} s {how} the hub's, which corrects times by it (is NTP set up here?)"
        self._note("clock", "note", text)

    def _note(self, part: str, state: State, text: str) -> None:
        self._found.append(Finding(part=part, state=state, text=text))
