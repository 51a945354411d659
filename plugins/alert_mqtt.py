"""Publishes notices to a topic of an MQTT broker, over a connection that is kept."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.event import Name
from hub.plugin import RetryLater
from hub.wire.tls import Tls, check_tls
from plugins.alert_notice import Notice
from plugins.alert_webhook import SecretName, encode_notice

if TYPE_CHECKING:
    from hub.wire.connection import Connection

SEND_S = 10.0
RETRY_S = 10.0
REFUSED_S = 300.0
PORTS = {"mqtt": 1883, "mqtts": 8883}


def _check_broker(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in PORTS and parts.hostname and parts.port != 0 and parts.path in {"", "/"}
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be like mqtt://host:1883, or mqtts://host:8883 for TLS")
    if parts.username or parts.password:
        raise ValueError("must not hold credentials; use username and password_env")
    return value


Broker = Annotated[str, StringConstraints(max_length=300), AfterValidator(_check_broker)]
Topic = Annotated[str, StringConstraints(pattern=r"^[^+#$\x00-\x1f\x7f-\x9f][^+#\x00-\x1f\x7f-\x9f]{0,199}$")]


class MqttSettings(BaseModel):
    """One `mqtt` table: the broker, the topic, and who we are there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: Broker = Field(description="mqtt://host:1883, or mqtts://host:8883 for TLS")
    topic: Topic = Field(description="where notices go; pictures go to <topic>/picture")
    username: Name | None = Field(default=None, description="who we are at the broker")
    password_env: SecretName | None = Field(
        default=None, description="the environment variable with the password"
    )
    ca_file: Path | None = Field(
        default=None,
        description="the authority that signed the broker's certificate, where the system does not know it",
    )
    retain: bool = Field(
        default=False, description="the broker keeps the last notice for those who come later"
    )
    mqtt5: bool = Field(default=True, description="false for brokers that only speak 3.1.1")

    @model_validator(mode="after")
    def _fit(self) -> Self:
        check_tls(urlsplit(self.broker).scheme, Tls(ca_file=self.ca_file))
        return self


class MqttTopic:
    """One topic: JSON at QoS 1, and the picture as it is on `<topic>/picture`. A repeat has the same `id`."""

    takes_pictures = True
    repeatable = True

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._parts = urlsplit(settings.broker)
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._publishing = asyncio.Lock()
        self.name = f"MQTT {settings.topic}"
        self.identity = f"{settings.broker} {settings.topic}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def send(self, notice: Notice) -> None:
        """Publish one notice, the picture first.

        Raises:
            RetryLater: The broker cannot be reached, refused it, or did not acknowledge it in time.
        """
        import aiomqtt

        try:
            async with asyncio.timeout(SEND_S):
                connection = await self._connected()
                if notice.picture is not None:
                    await self._publish(connection, f"{self._settings.topic}/picture", notice.picture[0])
                if notice.kind != "picture":
                    said = encode_notice(notice, with_picture=False)
                    await self._publish(connection, self._settings.topic, said)
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            await self._close()
            raise RetryLater(RETRY_S, f"{self.name}: {error or 'no answer'}") from error

    async def _publish(self, connection: Connection, topic: str, payload: bytes) -> None:
        async with self._publishing:  # one at a time, so that a refusal is this one's
            connection.refused()
            await connection.publish(topic, payload, retain=self._settings.retain)
            for refusal in connection.refused():
                raise RetryLater(REFUSED_S, f"{self.name}: the broker refused it: {refusal.reason}")

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None or not self._connection.connected:
                await self._close()
                self._connection = await self._connect().__aenter__()
            return self._connection

    def _connect(self) -> Connection:
        import os

        from hub.wire.connection import Connection

        settings = self._settings
        return Connection(
            self._parts.hostname or "",
            self._parts.port or PORTS[self._parts.scheme],
            client_id=f"lenshub-alerts-{secrets.token_hex(4)}",
            username=settings.username,
            password=os.environ.get(settings.password_env or ""),
            version5=settings.mqtt5,
            tls=Tls(ca_file=settings.ca_file) if self._parts.scheme == "mqtts" else None,
        )

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            import aiomqtt

            try:
                await connection.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                return  # it is gone already
