"""What agent and hub say to each other, over one connection after the other (docs/wire-protocol.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from datetime import datetime

import aiomqtt
from pydantic import ValidationError

from edge.fit import TOO_LARGE_REASON
from edge.outage import Outage
from edge.packet_limit import PacketLimit
from edge.spool import Epoch, Record, Spool
from hub.event import DeviceName
from hub.wire.connection import Connection, Received
from hub.wire.protocol import Ack, AgentModel, Gap, Hello, Position, ack_topic, event_topic, upward

STALL_S = 2.0
WINDOW_RECORDS = 1000
WINDOW_BYTES = 8 * 2**20
READ_RECORDS = 200
PATIENCE = 3  # so often in vain, although the hub answers, is worth a line too
PATIENCE_S = 10.0  # a hub that is silent for longer is worth a line in the log
LOG = logging.getLogger("edge.link")


class Conversation:
    """Asks the hub where it stands, sends what follows, and deletes what the hub acknowledges.

    At most `WINDOW_RECORDS` records and `WINDOW_BYTES` (and one record) are sent beyond the last ack.
    """

    def __init__(
        self,
        spool: Spool,
        device: DeviceName,
        agent: str,
        models: tuple[AgentModel, ...],
        now: Callable[[], datetime],
        limit: PacketLimit,
    ) -> None:
        self.succeeded = False
        """Whether the hub has stored something over the latest connection."""
        self._spool, self._device, self._agent, self._models, self._now = spool, device, agent, models, now
        self._awake = asyncio.Event()
        self._advanced = asyncio.Event()
        self._epoch: Epoch | None = None
        self._nonce = ""
        self._resumed = False
        self._sent = self._acked = 0
        self._window = WINDOW_RECORDS
        self._in_vain = 0
        self._in_flight: deque[tuple[int, int]] = deque()  # (number, bytes)
        self._acks: list[Ack] = []
        self._progress_at = self._asked_at = 0.0
        self._limit = limit
        self._silence = Outage(LOG, "hub")
        self._refusal = Outage(LOG, "publishing")

    def wake(self) -> None:
        """Look at the spool again. To be called in the event loop's thread."""
        self._awake.set()

    async def drained(self) -> None:
        """Wait until the hub has acknowledged everything in the spool."""
        while True:
            self._advanced.clear()
            if await asyncio.to_thread(lambda: self._spool.pending) == 0:
                return
            await self._advanced.wait()

    async def hold(self, connection: Connection, *, tells_reasons: bool) -> None:
        """Converse over a connection until it is lost.

        Args:
            tells_reasons: Whether the broker says that it refuses a message, and why (MQTT 5).

        Raises:
            ExceptionGroup: Of aiomqtt.MqttError, when the connection is lost; of SpoolError.
        """
        self._epoch, self._acks, self._resumed = None, [], False
        self._asked_at = asyncio.get_running_loop().time()
        self._limit.connected(connection.max_packet_bytes, tells_reasons=tells_reasons)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(connection), name="link-listen")
                tasks.create_task(self._talk(connection), name="link-talk")
        except* aiomqtt.MqttError as group:
            self._limit.lost(str(group.exceptions), self._largest() if self._resumed else 0)
            raise

    async def _listen(self, connection: Connection) -> None:
        while True:
            burst = await connection.receive()
            for message in burst:
                self._hear(message)
            connection.acknowledge(burst)
            for refusal in connection.refused():
                self._refusal.begin(f"the broker refuses {refusal.topic}: {refusal.reason} (check its rules)")

    def _hear(self, message: Received) -> None:
        try:
            ack = Ack.model_validate_json(message.payload, extra="ignore")  # a newer hub may say more
        except ValidationError as error:
            LOG.warning("hub: an ack cannot be read: %s", error.errors()[0]["msg"])
            return
        self._acks.append(ack)
        self.wake()

    async def _talk(self, connection: Connection) -> None:
        await connection.subscribe([ack_topic(self._device)])
        while True:
            self._awake.clear()
            await self._take_acks()
            if self._epoch is None or self._stalled():
                await self._greet(connection)
            elif not (self._resumed and await self._send(connection)):
                await self._rest()

    async def _greet(self, connection: Connection) -> None:
        """Ask the hub where it stands; at QoS 0, so that no questions pile up at the broker."""
        if self._epoch is not None and self._resumed:
            self._doubt()
        epoch = await asyncio.to_thread(self._spool.sending)
        if self._epoch is None or self._epoch.name != epoch.name:
            self._sent = self._acked = epoch.acked
        self._epoch = epoch
        self._nonce, self._resumed = secrets.token_hex(8), False
        hello = Hello(
            epoch=epoch.name,
            first=epoch.first,
            next=epoch.next,
            now=self._now(),
            agent=self._agent,
            nonce=self._nonce,
            models=self._models,
        )
        connection.publish_soon(upward(self._device, "hello"), hello.model_dump_json().encode(), qos=0)
        self._note_progress()
        if self._progress_at - self._asked_at > PATIENCE_S:
            self._silence.begin("it does not answer; the spool keeps the records (is the hub running?)")

    def _doubt(self) -> None:
        """Take note that what was sent did not arrive although the hub answers; probe before sending more."""
        self._in_vain += 1
        if self._in_vain == PATIENCE:
            allowed = f"does the broker let this device publish {upward(self._device, 'events')}/#?"
            self._refusal.begin(f"the hub answers, but nothing that is sent reaches it ({allowed})")
        if self._window == 1:
            self._limit.doubt(self._largest())
        self._window = 1

    def _largest(self) -> int:
        return max((size for _, size in self._in_flight), default=0)

    async def _take_acks(self) -> None:
        """Act on what the hub said: delete, and resume where an answer to our last question says."""
        acks, self._acks = self._acks, []
        for ack in acks:
            if self._epoch is None or ack.epoch != self._epoch.name:
                continue
            if ack.hello is None:
                await self._advance(self._epoch, ack.seq)
            elif ack.hello == self._nonce and not self._resumed:
                await self._resume(self._epoch, ack.seq)

    async def _resume(self, epoch: Epoch, seq: int) -> None:
        self._resumed = True
        self._silence.end()
        newest = await asyncio.to_thread(self._spool.sending)
        if newest.name == epoch.name and seq >= newest.next:
            # this machine was put back to an earlier state while it ran: its next numbers are used up
            await asyncio.to_thread(self._spool.begin_epoch)
        await self._advance(epoch, seq)
        self._in_flight.clear()
        self._sent = self._acked = seq

    async def _advance(self, epoch: Epoch, seq: int) -> None:
        if seq > self._acked:
            self._window, self._in_vain = WINDOW_RECORDS, 0
            self.succeeded = True
            self._refusal.end()
            self._limit.arrived()
            self._note_progress()
        self._acked, self._sent = max(self._acked, seq), max(self._sent, seq)
        while self._in_flight and self._in_flight[0][0] <= seq:
            self._in_flight.popleft()
        await asyncio.to_thread(self._spool.acknowledge, epoch.name, seq)
        if (await asyncio.to_thread(self._spool.sending)).name != epoch.name:
            self._epoch = None
        self._advanced.set()

    async def _send(self, connection: Connection) -> bool:
        """Publish what follows, as far as the window allows; return whether there was anything."""
        room = self._window - (self._sent - self._acked)
        room_bytes = WINDOW_BYTES - sum(size for _, size in self._in_flight)
        if self._epoch is None or room <= 0 or room_bytes <= 0:
            return False
        batch = await asyncio.to_thread(
            self._spool.read, self._epoch.name, self._sent, min(room, READ_RECORDS), room_bytes
        )
        if self._sent == self._acked:
            self._note_progress()  # the hub owes nothing until now
        for gap in batch.gaps:
            self._announce(connection, gap)
        for record in batch.records:
            await self._publish(connection, self._epoch.name, record)
        return bool(batch.gaps or batch.records)

    async def _publish(self, connection: Connection, epoch: str, record: Record) -> None:
        payload = await self._limit.fit(record)
        if payload is None:
            seq = record.seq
            self._announce(connection, Gap(epoch=epoch, first=seq, last=seq, reason=TOO_LARGE_REASON))
            return
        connection.publish_soon(event_topic(Position(self._device, epoch, record.seq)), payload)
        self._in_flight.append((record.seq, len(payload)))
        self._sent = record.seq

    def _announce(self, connection: Connection, gap: Gap) -> None:
        LOG.warning("records %d to %d are gone: %s", gap.first, gap.last, gap.reason)
        connection.publish_soon(upward(self._device, "gap"), gap.model_dump_json().encode())
        self._in_flight.append((gap.last, 0))
        self._sent = gap.last

    async def _rest(self) -> None:
        """Wait for an ack, a new record, or the time to ask again."""
        owed = not self._resumed or self._sent > self._acked
        deadline = self._progress_at + STALL_S if owed else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._awake.wait()

    def _stalled(self) -> bool:
        owed = not self._resumed or self._sent > self._acked
        return owed and asyncio.get_running_loop().time() >= self._progress_at + STALL_S

    def _note_progress(self) -> None:
        self._progress_at = asyncio.get_running_loop().time()
