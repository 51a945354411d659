"""The MQTT source: receives in bursts, decodes, hands to the writer, acknowledges in order after commit."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import aiomqtt

from hub.decode.frigate import SOURCE as FRIGATE
from hub.decode.message import Message
from hub.decode.registry import Decoders
from hub.sources.topics import MQTT, Topics, decode_routed
from hub.store.arrival import Arrival, Burst, Receipt
from hub.store.writer import Writer
from hub.wire.connection import Connection, Received
from hub.wire.protocol import Ack, ack_topic

log = logging.getLogger(__name__)

ACK_PAUSE_S = 0.1
LONGEST_BACKOFF_S = 30.0
FINISH_S = 5.0
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"


class MqttSource:
    """Connects, again and again, and turns what arrives into bursts for the writer.

    Args:
        connect: Makes a new, not yet entered connection.
        known_devices: Messages of any other device are quarantined; empty: every device is known.
        ours: The broker is the private one: it says how many messages it dropped, and numbers upwards.
    """

    def __init__(
        self,
        connect: partial[Connection],
        place: str,
        topics: Topics,
        decoders: Decoders,
        writer: Writer,
        *,
        known_devices: frozenset[str] = frozenset(),
        ours: bool = False,
    ) -> None:
        self._connect = connect
        self._place = place
        self._topics = topics
        self._decoders = decoders
        self._writer = writer
        self._known = known_devices
        self._ours = ours
        self._dropped = 0
        self._finishing = False
        self._connection: Connection | None = None
        self._due: dict[tuple[str, str], Ack] = {}
        self._flush: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Receive until cancelled; a lost or unreachable broker is tried again with growing pauses."""
        pause_s, reported = 0.2, False
        while True:
            try:
                async with self._connect() as connection:
                    session = await self._open_session(connection)
                    await self._subscribe(connection)
                    log.info("mqtt.connected %s", self._place)
                    pause_s, reported = 0.2, False
                    await self._receive(connection, session)
            except aiomqtt.MqttError as error:
                if not reported:
                    log.warning("mqtt.lost %s: %s; trying again until it answers", self._place, error)
                    reported = True
            finally:
                self._connection = None
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause_s = min(pause_s * 2, LONGEST_BACKOFF_S)

    async def finish(self) -> None:
        """Stop reading, and return once everything read is committed and acknowledged.

        What would be closed unacknowledged would come again, and plain messages would be stored twice.
        """
        self._finishing = True
        if self._connection is not None:
            self._connection.pause()
        committed = asyncio.get_running_loop().create_future()
        self._writer.add(Burst((), committed.set_result))
        try:
            async with asyncio.timeout(FINISH_S):
                await committed
        except TimeoutError:
            log.warning("mqtt.unacknowledged %s: the store does not take what was read", self._place)

    async def _subscribe(self, connection: Connection) -> None:
        await connection.subscribe(self._topics.filters)
        if self._ours:
            await connection.subscribe([DROPPED_TOPIC], qos=0)

    async def _open_session(self, connection: Connection) -> str:
        """Return the session's name. Of a new one nothing comes before we subscribe, so none is mistaken."""
        place, resumed = f"{connection.client_id} at {self._place}", connection.session_present
        return await self._writer.open_session(place, resumed=resumed, counts_up=self._ours)

    async def _receive(self, connection: Connection, session: str) -> None:
        self._connection = connection
        while True:
            if not self._writer.has_room():
                connection.pause()
                await self._writer.room()
                connection.resume()
            received = await connection.receive()
            if self._finishing:
                await asyncio.Event().wait()  # until cancelled; the broker keeps what is not acknowledged
            now = datetime.now(UTC)
            arrivals = [
                arrival
                for message in received
                if (arrival := self._arrive(message, session, now)) is not None
            ]
            self._writer.add(Burst(tuple(arrivals), partial(self._committed, connection, received)))

    def _arrive(self, received: Received, session: str, now: datetime) -> Arrival | None:
        if received.topic == DROPPED_TOPIC:
            self._note_drops(received.payload)
            return None
        if received.retain and not self._is_state(received.topic):
            return None  # the broker shows it again at each start; it was taken when it was sent
        message = Message(
            MQTT,
            received.topic,
            received.payload,
            now,
            received.mid or None,
            session,
            received.duplicate,
        )
        return Arrival(message, decode_routed(message, self._topics, self._decoders, self._known))

    def _is_state(self, topic: str) -> bool:
        """Whether a retained message says how a device is, not what was seen."""
        return topic.endswith("/status") or (
            topic.endswith("/available") and self._topics.decoder_of(topic) == FRIGATE
        )

    def _note_drops(self, payload: bytes) -> None:
        dropped = int(payload) if payload.isdigit() else 0
        if dropped > self._dropped:
            log.warning("mqtt.dropped the broker has thrown away %d messages since it started", dropped)
        self._dropped = dropped

    def _committed(self, connection: Connection, received: Sequence[Received], receipt: Receipt) -> None:
        connection.acknowledge(received)
        for device, ack in receipt.acks:
            if ack.hello is not None:
                self._publish(device, ack.model_copy(update={"now": datetime.now(UTC)}))
            else:
                self._due[(device, ack.epoch)] = ack
        if self._due and self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(ACK_PAUSE_S, self._publish_due)

    def _publish_due(self) -> None:
        self._flush = None
        due, self._due = self._due, {}
        for (device, _), ack in due.items():
            self._publish(device, ack)

    def _publish(self, device: str, ack: Ack) -> None:
        if self._connection is None:
            return  # the agent asks again
        try:
            self._connection.publish_soon(
                ack_topic(device), ack.model_dump_json(exclude_none=True).encode(), qos=0
            )
        except aiomqtt.MqttError as error:
            log.debug("mqtt.unanswered %s: %s; the agent asks again", device, error)
