"""Sends what the outbox holds as a plain MQTT client, QoS 1, and says how the device is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import aiomqtt

from edge.deeplens.outbox import Letter, Outbox
from edge.link import FIRST_WAIT_S, GOODBYE_S, LONGEST_WAIT_S, Broker
from edge.outage import Outage
from edge.packet_limit import TOPIC_BYTES
from edge.spool_file import SpoolError
from edge.stopping import run_stoppable
from hub.wire.connection import Connection
from hub.wire.protocol import AgentStatus, upward

WINDOW = 50  # letters under way; AWS IoT allows 100 unacknowledged publishes a connection
STRIKES = 3  # a letter that was alone under way at so many losses in a row is set aside
POLL_S = 0.01
LOG = logging.getLogger("edge.deeplens")


class Sender:
    """Sends letters in order until it is cancelled; a letter is removed after its PUBACK.

    A letter that the broker refuses is set aside: it stays in the outbox, is tried again at the next start,
    and does not hold up the others.

    Args:
        outbox: The open outbox.
        thing: The device's name, its client id at the broker.
        broker: Where to connect.
        jitter: A number in 0..1 for each wait before connecting again.
    """

    def __init__(
        self, outbox: Outbox, thing: str, broker: Broker, jitter: Callable[[], float] = random.random
    ) -> None:
        self._outbox, self._thing, self._broker, self._jitter = outbox, thing, broker, jitter
        self._status = AgentStatus(state="online")
        self._connection: Connection | None = None
        self._outage = Outage(LOG, f"broker {broker.host}:{broker.port}")
        self._refusal = Outage(LOG, "publishing")
        self._new = asyncio.Event()
        self._line: deque[tuple[int, int | None]] = deque()  # (message id, letter or None for a status)
        self._sent = 0
        self._aside: set[int] = set()
        self._strikes = 0
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """Look at the outbox again. To be called in the event loop's thread."""
        self._idle.clear()
        self._new.set()

    async def drained(self) -> None:
        """Wait until the broker has everything that it does not refuse."""
        self.wake()
        await self._idle.wait()

    def report(self, state: str, text: str = "") -> None:
        """Say what the device's state is, now and after each connect: `online`, or `error` with a text."""
        self._status = AgentStatus(state=state, at=datetime.now(UTC), text=text[:2000])
        if self._connection is not None:
            with contextlib.suppress(aiomqtt.MqttError):  # said again after the next connect
                self._say(self._connection)

    async def run(self) -> None:
        """Connect, send, and connect again after each loss, until cancelled."""
        await run_stoppable(self._run(), "sender-run")

    async def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            progress = self._sent
            try:
                await self._connect()
            except* aiomqtt.MqttError as group:
                self._outage.begin(f"{_first_line(group)} (trying again; the spool keeps the messages)")
            except* SpoolError as group:
                self._outage.begin(f"{_first_line(group)} (trying again)")
            wait_s = FIRST_WAIT_S if self._sent > progress else min(wait_s * 2, LONGEST_WAIT_S)
            await asyncio.sleep(wait_s * (0.5 + self._jitter() / 2))

    async def _connect(self) -> None:
        will = AgentStatus(state="offline", text="connection lost").model_dump_json()
        connection = Connection(
            self._broker.host,
            self._broker.port,
            client_id=self._thing,
            username=self._broker.username,
            password=self._broker.password,
            version5=True,  # 3.1.1 cannot say that a publish was refused
            tls=self._broker.tls,
            will=aiomqtt.Will(upward(self._thing, "status"), will, qos=1, retain=True),
        )
        async with connection:
            self._line.clear()
            self._connection = connection
            try:
                self._say(connection)
                await self._hold(connection)
            finally:
                self._connection = None
                await self._settle(connection)
                self._count_strike()
                await self._say_goodbye(connection)

    async def _hold(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(connection), name="sender-listen")
            tasks.create_task(self._send_all(connection), name="sender-send")

    async def _listen(self, connection: Connection) -> None:
        while True:
            connection.acknowledge(await connection.receive())
            for refusal in connection.refused():
                letter = next((one for mid, one in self._line if mid == refusal.mid), None)
                if letter is not None:
                    self._aside.add(letter)
                self._refusal.begin(f"the broker refuses {refusal.topic}: {refusal.reason} (check its rules)")

    async def _send_all(self, connection: Connection) -> None:
        last = 0
        while True:
            self._new.clear()
            room = (1 if self._strikes else WINDOW) - len(self._line)
            letters = await asyncio.to_thread(self._outbox.read, last, room) if room > 0 else []
            for letter in letters:
                last = letter.id
                self._send(connection, letter)
            await self._settle(connection)
            if self._line:
                await asyncio.sleep(POLL_S)
            elif room > 0 and not letters and not self._new.is_set():  # what is new came after the look
                self._outage.end()
                self._idle.set()
                await self._new.wait()

    def _send(self, connection: Connection, letter: Letter) -> None:
        announced = connection.max_packet_bytes
        limits = (announced and announced - TOPIC_BYTES, self._broker.payload_limit)
        limit = min(filter(None, limits), default=len(letter.payload))
        if len(letter.payload) > limit:
            self._aside.add(letter.id)
            self._refusal.begin(f"a message of {len(letter.payload)} bytes; the broker takes {limit}")
        elif letter.id not in self._aside:
            self._line.append((connection.publish_soon(letter.topic, letter.payload), letter.id))

    async def _settle(self, connection: Connection) -> None:
        """Remove what has its PUBACK; they come in the order of the publishes (MQTT 5, 4.6)."""
        await asyncio.sleep(0)  # a refusal is noted by the listener first
        ids = []
        for _ in range(max(0, len(self._line) - connection.unsent)):
            _, letter = self._line.popleft()
            if letter is not None and letter not in self._aside:
                ids.append(letter)
        if ids:
            await asyncio.to_thread(self._outbox.remove, ids)
            self._sent += len(ids)
            self._strikes = 0

    def _count_strike(self) -> None:
        """After a loss send one letter at a time; one that is alone too often at a loss goes aside."""
        under_way = [letter for _, letter in self._line if letter is not None]
        if not under_way:
            return
        self._strikes += 1
        if self._strikes > STRIKES and len(under_way) == 1:
            self._aside.add(under_way[0])
            self._refusal.begin("the broker hangs up on a message; it is kept, and the others go on")
            self._strikes = 0

    async def _say_goodbye(self, connection: Connection) -> None:
        if not connection.connected:
            return
        offline = AgentStatus(state="offline", at=datetime.now(UTC), text="stopped").model_dump_json()
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):  # the last will says it then
            async with asyncio.timeout(GOODBYE_S):
                await connection.publish(upward(self._thing, "status"), offline.encode(), retain=True)

    def _say(self, connection: Connection) -> None:
        said = self._status.model_dump_json().encode()
        self._line.append((connection.publish_soon(upward(self._thing, "status"), said, retain=True), None))


def _first_line(group: BaseExceptionGroup[BaseException]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error).splitlines()[0] if str(error) else type(error).__name__
