"""Archives every event to S3 or a folder: the frame as it came, the frame with boxes drawn, and a record."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from hub.draw.threads import work_on_picture
from hub.event import Event
from hub.plugin import PluginContext, StoredFrame, hookimpl
from plugins.folder import Folder
from plugins.naming import TIME_FORMAT, day_folder, file_stem
from plugins.s3_bucket import Bucket

LATEST = "latest/latest.json"
JPEG = "image/jpeg"
JSON = "application/json"
SUFFIXES = {JPEG: ".jpg", "image/png": ".png"}


def _check_endpoint(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError("is not an address like https://s3.example:9000") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or parts.query:
        raise ValueError("is not an address like https://s3.example:9000")
    if parts.username or parts.password:
        raise ValueError("must not hold credentials: use the AWS environment variables or `profile`")
    return value


BucketName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9!_.*'()=-]+/)*$", max_length=500)]
EndpointUrl = Annotated[str, AfterValidator(_check_endpoint)]


class FolderArchive:
    """An archive in a folder; links are keys."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.read = folder.read

    def link(self, key: str) -> str:
        """Return the key itself: where the file lies below the archive."""
        return key

    async def write(self, key: str, data: bytes, content_type: str) -> None:
        """Write one file; the content type is in its name."""
        await self._folder.write(key, data)


def make_record(event: Event, link: str | None) -> dict[str, Any]:
    """Return the published record of an event, followed by the members of LensHub's event."""
    published = {
        "device_id": event.device,
        "timestamp": f"{event.captured_at:{TIME_FORMAT}}",
        "objects": [
            {"index": index, "object": detection.label, "confidence": detection.confidence}
            for index, detection in enumerate(event.detections)
        ],
        "link_to_img": link,
    }
    return published | event.model_dump(mode="json")


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n"


def _draw(data: bytes, event: Event) -> bytes | None:
    """Return the JPEG with boxes drawn, or None when the bytes are no picture."""
    from hub.draw.picture import PictureError, decode_picture, draw_detections, encode_jpeg

    try:
        return encode_jpeg(draw_detections(decode_picture(data), event.detections))
    except PictureError:
        return None


def _rank(captured_at: datetime, received_at: datetime, event_id: int) -> tuple[datetime, int]:
    """Return what orders records; a device whose clock runs ahead does not stay the newest for ever."""
    return min(captured_at, received_at), event_id


def _rank_in(data: bytes | None) -> tuple[datetime, int] | None:
    """Return the rank of an archived record; None when there is none, or somebody else's."""
    try:
        record = json.loads(data or b"")
        captured_at, received_at = (
            datetime.fromisoformat(record[name]).astimezone(UTC) for name in ("captured_at", "received_at")
        )
        return _rank(captured_at, received_at, int(record["id"]))
    except (ValueError, TypeError, KeyError):
        return None


class S3Archive:
    """Writes raw_images/, images/ and json/ by date and device, and latest/latest.json."""

    class Settings(BaseModel):
        """Where the archive is: a folder, or a bucket."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        folder: Path = Path("archive")
        bucket: BucketName | None = None
        prefix: Prefix = ""
        endpoint_url: EndpointUrl | None = None
        region: str | None = None
        profile: str | None = None

        @model_validator(mode="after")
        def _one_place(self) -> Self:
            given = self.model_fields_set
            if self.bucket is not None and "folder" in given:
                raise ValueError("set folder or bucket, not both")
            alone = sorted(given & {"prefix", "endpoint_url", "region", "profile"})
            if self.bucket is None and alone:
                raise ValueError(f"{', '.join(alone)} needs bucket")
            return self

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._stack = AsyncExitStack()
        self._newest: tuple[datetime, int] | None = None
        self._newest_known = False
        self._turn = asyncio.Lock()
        self._archive: Bucket | FolderArchive = FolderArchive(Folder(context.data_dir / settings.folder))
        if settings.bucket is not None:
            self._archive = Bucket(
                settings.bucket,
                prefix=settings.prefix,
                endpoint_url=settings.endpoint_url,
                region=settings.region,
                profile=settings.profile,
            )

    async def __aenter__(self) -> Self:
        if isinstance(self._archive, Bucket):
            await self._stack.enter_async_context(self._archive)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None) -> str:
        """Archive one event; the note is the key of the raw image, or of the record where there is none."""
        day, stem = day_folder(event), file_stem(event)
        note = record_key = f"json/{day}/record_{stem}.json"
        link = None
        if frame is not None:
            note = link = f"raw_images/{day}/raw_{stem}{SUFFIXES[frame.media_type]}"
            boxed_key = f"images/{day}/image_{stem}.jpg"
            if await self._write_pictures(event, frame, link, boxed_key):
                link = boxed_key
            else:
                note = f"{note} (boxes not drawn: it cannot be decoded as a picture)"
        record = _encode(make_record(event, link and self._archive.link(link)))
        await self._archive.write(record_key, record, JSON)
        await self._write_latest(event, record)
        return note

    async def _write_pictures(self, event: Event, frame: StoredFrame, raw_key: str, boxed_key: str) -> bool:
        """Archive both pictures; return whether there is one with boxes."""
        data = await frame.read()
        await self._archive.write(raw_key, data, frame.media_type)
        boxed = await work_on_picture(_draw, data, event)
        if boxed is not None:
            await self._archive.write(boxed_key, boxed, JPEG)
        return boxed is not None

    async def _write_latest(self, event: Event, record: bytes) -> None:
        rank = _rank(event.captured_at, event.received_at, event.id)
        async with self._turn:
            if not self._newest_known:
                self._newest = _rank_in(await self._archive.read(LATEST))
                self._newest_known = True
            if self._newest is not None and rank < self._newest:
                return
            await self._archive.write(LATEST, record, JSON)
            self._newest = rank
