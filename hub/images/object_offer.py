"""A picture in S3 that was notified, and a notification that is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.authored import in_words
from hub.errors import PayloadError
from hub.images.image import Origin
from hub.images.message import printable
from hub.images.naming import device_of
from hub.images.notification import Notified
from hub.images.offer import NotWanted, Outcome, Unavailable, Unreadable, fit_key

if TYPE_CHECKING:
    from hub.images.queue import Held, QueueChannel

OURS = "lenshub-event"
"""Metadata that s3-archive writes: to classify what is archived would never end."""
GONE = ("NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "MethodNotAllowed")
CHUNK_BYTES = 262_144


class ObjectOffer:
    """An object of S3."""

    def __init__(self, channel: QueueChannel, held: Held, notified: Notified) -> None:
        self._channel = channel
        self._held = held
        self._notified = notified
        place = notified.place
        device = device_of(place.key, channel.settings)
        self.origin = Origin(printable(place.key), device, notified.at, place)

    async def identify(self) -> str:
        """Return its key: the place, and which writing of it."""
        place, plugin = self._notified.place, self._channel.plugin
        return fit_key(f"s3:{place.bucket}/{place.key}@{self._notified.mark}:{plugin}", f"s3:{plugin}")

    async def read(self) -> bytes:
        """Return its bytes, no more than are allowed; raises as `Offer.read` does, or NotWanted."""
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        try:
            return await self._fetch()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in GONE and self._channel.settings.poison == "quarantine":
                raise Unreadable("image_gone", f"{self._where}: {code}") from error
            raise Unavailable(f"{self._where}: {in_words(error)}") from error
        except (ParamValidationError, ValueError) as error:
            if self._channel.settings.poison == "quarantine":
                raise Unreadable("bad_notification", f"{self._where}: {in_words(error)}") from error
            raise Unavailable(f"{self._where}: {in_words(error)}") from error
        except (BotoCoreError, OSError) as error:
            raise Unavailable(f"{self._where}: {in_words(error)}") from error

    @property
    def _where(self) -> str:
        place = self._notified.place
        return f"s3://{place.bucket}/{printable(place.key)}"

    async def _fetch(self) -> bytes:
        place, most = self._notified.place, self._channel.most()
        version = {"VersionId": place.version} if place.version not in {None, "null"} else {}
        found = await self._channel.s3.get_object(Bucket=place.bucket, Key=place.key, **version)
        async with found["Body"] as body:
            if OURS in found.get("Metadata", {}):
                raise NotWanted("the archive wrote it")
            if found["ContentLength"] > most:
                raise Unreadable("picture_too_large", f"{found['ContentLength']} bytes; at most {most}")
            data = b""
            while len(data) <= most and (chunk := await body.read(CHUNK_BYTES)):
                data += chunk
        if len(data) > most:
            raise Unreadable("picture_too_large", f"more than {most} bytes")
        return data

    async def settle(self, outcome: Outcome) -> None:
        """Let the message be deleted, once this is its last picture; of poison as the setting says."""
        self._channel.settle(self._held)

    async def leave(self, reason: str) -> None:
        """Leave the message in the queue."""
        await self._channel.leave(self._held, reason)


class PoisonOffer:
    """A message that is no notification."""

    def __init__(self, channel: QueueChannel, held: Held, body: bytes, error: PayloadError) -> None:
        self._channel = channel
        self._held = held
        self._body = body
        self._error = error
        self.origin = Origin(f"message {held.id}", channel.settings.device, datetime.now(UTC))

    async def identify(self) -> str:
        """Refuse the message."""
        raise Unreadable(self._error.code, self._error.reason, self._body)

    async def read(self) -> bytes:
        """Return what there is of it."""
        return self._body

    async def settle(self, outcome: Outcome) -> None:
        """Let the message be deleted: it is in quarantine."""
        self._channel.settle(self._held)

    async def leave(self, reason: str) -> None:
        """Leave the message in the queue."""
        await self._channel.leave(self._held, reason)
