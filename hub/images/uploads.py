"""Pictures that were sent to the hub, kept in a folder from when they are promised until they are stored."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from hub.errors import HubError
from hub.event import DeviceName, Digest, Plain, UtcTime
from hub.images.image import Origin
from hub.images.message import Key, Refusal
from hub.images.offer import Outcome, Unavailable

MOST_WAITING = 10_000
REFUSALS_KEPT_S = 7 * 86_400.0
LEAVE_S = 30.0


class TooMany(HubError):  # noqa: N818 - it says what the pictures are
    """So many wait already that no more are taken."""


class Upload(Plain):
    """A picture as it was sent; `refused` once it turned out that no event can be made of it."""

    key: Key
    name: str
    device: DeviceName
    sent_at: UtcTime
    digest: Digest
    refused: Refusal | None = None


class UploadChannel:
    """Offers what was sent, oldest first. `add` may be called at any time, `next` while it is entered.

    Args:
        root: A folder of this instance's own.
    """

    name = "upload"

    def __init__(self, plugin: str, root: Path) -> None:
        self.plugin = plugin
        self._root = root
        self._waiting: deque[Upload] = deque()
        self._arrived = asyncio.Event()
        self._held: set[str] = set()
        self._asking: dict[str, list[asyncio.Future[Outcome]]] = {}

    async def __aenter__(self) -> Self:
        self._held.clear()
        self._waiting = deque(await asyncio.to_thread(self._list))
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def next(self) -> UploadOffer:
        """Return the next picture."""
        while True:
            while self._waiting:
                upload = self._waiting.popleft()
                if upload.key not in self._held:
                    self._held.add(upload.key)
                    return UploadOffer(self, upload)
            self._arrived.clear()
            await self._arrived.wait()

    async def backlog(self) -> int:
        """Return how many wait."""
        return len(self._waiting) + len(self._held)

    async def add(self, upload: Upload, data: bytes) -> None:
        """Keep a picture, so that it can be promised; raises TooMany, or OSError where it cannot be kept."""
        if len(self._waiting) + len(self._held) >= MOST_WAITING:
            raise TooMany(f"{MOST_WAITING} pictures wait for {self.plugin} already; try again later")
        await asyncio.to_thread(self._keep, upload, data)
        self._waiting.append(upload)
        self._arrived.set()

    async def find(self, key: str) -> Upload | None:
        """Return a picture that waits or was refused."""
        return await asyncio.to_thread(self._read, self._place(key).with_suffix(".json"))

    async def outcome(self, key: str, timeout_s: float) -> Outcome | None:
        """Return what becomes of a picture that waits, or None if that takes longer."""
        asking: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._asking.setdefault(key, []).append(asking)
        try:
            async with asyncio.timeout(timeout_s):
                return await asking
        except TimeoutError:
            return None
        finally:
            self._asking[key].remove(asking)
            if not self._asking[key]:
                del self._asking[key]

    async def settle(self, upload: Upload, outcome: Outcome) -> None:
        """Forget a picture; of one that was refused, remember why."""
        refused = upload.model_copy(update={"refused": outcome.refusal}) if outcome.refusal else None
        await asyncio.to_thread(self._forget, upload, refused)
        self._held.discard(upload.key)
        for asking in self._asking.get(upload.key, ()):
            if not asking.done():
                asking.set_result(outcome)

    def leave(self, upload: Upload) -> None:
        """Offer it again in a while."""

        def offer_again() -> None:
            self._held.discard(upload.key)
            self._waiting.append(upload)
            self._arrived.set()

        asyncio.get_running_loop().call_later(LEAVE_S, offer_again)

    def read(self, upload: Upload) -> bytes:
        """Return a picture's bytes. Blocks."""
        return self._place(upload.key).with_suffix(".image").read_bytes()

    def _place(self, key: str) -> Path:
        return self._root / hashlib.sha256(key.encode()).hexdigest()

    def _keep(self, upload: Upload, data: bytes) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        place = self._place(upload.key)
        _write(place.with_suffix(".image"), data)
        _write(place.with_suffix(".json"), upload.model_dump_json().encode())
        _flush(self._root)

    def _forget(self, upload: Upload, refused: Upload | None) -> None:
        place = self._place(upload.key)
        if refused is None:
            place.with_suffix(".json").unlink(missing_ok=True)
        else:
            _write(place.with_suffix(".json"), refused.model_dump_json().encode())
        place.with_suffix(".image").unlink(missing_ok=True)

    def _list(self) -> list[Upload]:
        """Return what waits, oldest first; what is left over is removed. Blocks."""
        found = []
        for path in sorted(self._root.glob("*.json")) if self._root.is_dir() else ():
            upload = self._read(path)
            if upload is not None and upload.refused is None:
                found.append(upload)
            elif time.time() - path.stat().st_mtime > REFUSALS_KEPT_S:
                path.unlink()
        for path in self._root.glob("*.image") if self._root.is_dir() else ():
            if not path.with_suffix(".json").exists():
                path.unlink()
        return sorted(found, key=lambda upload: upload.sent_at)

    def _read(self, path: Path) -> Upload | None:
        try:
            return Upload.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


class UploadOffer:
    """A picture that was sent."""

    def __init__(self, channel: UploadChannel, upload: Upload) -> None:
        self._channel = channel
        self._upload = upload
        self.origin = Origin(upload.name, upload.device, upload.sent_at)

    async def identify(self) -> str:
        """Return its key."""
        return self._upload.key

    async def read(self) -> bytes:
        """Return its bytes."""
        try:
            return await asyncio.to_thread(self._channel.read, self._upload)
        except OSError as error:
            raise Unavailable(f"{self._upload.name}: {error.strerror or error}") from error

    async def settle(self, outcome: Outcome) -> None:
        """Forget it, and answer who waits for it."""
        await self._channel.settle(self._upload, outcome)

    async def leave(self, reason: str) -> None:
        """Offer it again in a while."""
        self._channel.leave(self._upload)


def key_of(source: str, mark: str) -> str:
    """Return the key of a picture that is sent to an instance, by its Idempotency-Key or digest."""
    return f"http:{source}:{mark}"


def source_of(key: str) -> str | None:
    """Return the instance that a picture with this key was sent to; None where it is no such key."""
    kind, _, rest = key.partition(":")
    source, colon, mark = rest.partition(":")
    return source if kind == "http" and source and colon and mark else None


def describe(key: str, name: str, device: str, data: bytes) -> Upload:
    """Return a picture that is sent now. Blocks for its digest."""
    digest = hashlib.sha256(data).hexdigest()
    return Upload(key=key, name=name, device=device, sent_at=datetime.now(UTC), digest=digest)


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
