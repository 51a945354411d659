"""A folder whose pictures are taken in; what was taken is moved to done/ or removed, the rest put aside."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from hub.decode.limits import Limits
from hub.images.image import Origin
from hub.images.message import printable
from hub.images.naming import device_of
from hub.images.offer import Outcome, Unavailable, Unreadable
from hub.images.plain_file import moment_of
from hub.images.settings import Images

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
LEAVE_S = 30.0
MOST_NAMED = 20
"""So many files that are not taken are named in the log."""
DONE, REFUSED, KEPT_BACK = "done", "refused", "kept-back"
NO_FILE = "a link, pipe or the like; only files are, move or copy it here"
PUT_IN = {"refused": REFUSED, "kept back": KEPT_BACK}
"""Of other outcomes it is `done`."""
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload")

_HOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe would keep us waiting

Stamp = tuple[int, int, int]
"""Inode, size and time of change: a file that has the same twice is no longer written."""


class FolderChannel:
    """Offers the pictures below a folder, oldest first; names that begin with a dot are not looked at.

    What is no plain file is logged once and not taken: a link may lead anywhere, a pipe may never end.

    Args:
        plugin: The instance's name.
    """

    name = "folder"

    def __init__(self, plugin: str, root: Path, settings: Images, limits: Callable[[], Limits]) -> None:
        self.plugin = plugin
        self.root = root
        self.settings = settings
        self.limits = limits
        self._forget()

    def _forget(self) -> None:
        self._seen: dict[Path, Stamp] = {}
        self._offered: set[Path] = set()
        self._left: dict[Path, float] = {}
        self._passed_by: set[Path] = set()
        self._waiting: deque[Path] = deque()
        self._looking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._forget()
        await asyncio.to_thread(self.root.mkdir, parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def next(self) -> FileOffer:
        """Return the next picture; raises OSError where the folder cannot be read."""
        async with self._looking:
            while not self._waiting:
                await self._look()
                if not self._waiting:
                    await asyncio.sleep(LOOK_EVERY_S)
            path = self._waiting.popleft()
            self._offered.add(path)
            return FileOffer(self, path)

    async def backlog(self) -> int:
        """Return how many files wait."""
        return len(await asyncio.to_thread(self._list))

    async def _look(self) -> None:
        offered = self._offered.copy()  # a file that is put away while we look may be found all the same
        found = await asyncio.to_thread(self._list)
        now = asyncio.get_running_loop().time()
        self._left = {path: until for path, until in self._left.items() if until > now and path in found}
        ready = [p for p, stamp in found.items() if self._seen.get(p) == stamp and p not in offered]
        self._waiting.extend(path for path in ready if path not in self._left)
        self._seen = found

    def _list(self) -> dict[Path, Stamp]:
        """Return the files there are, oldest first. Blocks."""
        found = sorted(self._walk(), key=lambda item: item[1][2])
        return dict(found)

    def _walk(self) -> Iterator[tuple[Path, Stamp]]:
        for folder, names, files in os.walk(self.root, onerror=_raise):
            above = Path(folder)
            taken = {DONE, REFUSED, KEPT_BACK} if above == self.root else set()
            names[:] = [name for name in names if name not in taken and not name.startswith(".")]
            for name in names:
                if (above / name).is_symlink():  # which os.walk does not follow
                    self.pass_by(above / name, NO_FILE)
            for name in files:
                if name.startswith(".") or name.lower().endswith(UNFINISHED):
                    continue
                with suppress(FileNotFoundError):
                    status = (above / name).lstat()
                    if stat.S_ISREG(status.st_mode):
                        yield above / name, (status.st_ino, status.st_size, status.st_mtime_ns)
                    else:
                        self.pass_by(above / name, NO_FILE)

    def pass_by(self, path: Path, why: str) -> None:
        """Log, once, that a file is not taken; after the first few no more are named."""
        if path in self._passed_by or len(self._passed_by) >= MOST_NAMED:
            return
        self._passed_by.add(path)
        name = printable(path.relative_to(self.root).as_posix())
        log.warning("images.not_taken %s: %s: %s", self.plugin, name, why)
        if len(self._passed_by) == MOST_NAMED:
            log.warning("images.not_taken %s: no more are named until the next start", self.plugin)

    def forget(self, path: Path, *, for_s: float = 0.0) -> None:
        """Offer a file again where it still lies, after a while."""
        self._offered.discard(path)
        if for_s:
            self._left[path] = asyncio.get_running_loop().time() + for_s


class FileOffer:
    """A file of the folder."""

    def __init__(self, channel: FolderChannel, path: Path) -> None:
        self._channel = channel
        self._path = path
        self._data: bytes | None = None
        self._place = path.relative_to(channel.root)
        place = self._place.as_posix()
        self._name = printable(place)
        self.origin = Origin(self._name, device_of(place, channel.settings), datetime.now(UTC))

    async def identify(self) -> str:
        """Return the key: the digest of the bytes."""
        data = await self.read()
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        return f"file:{self._channel.plugin}:{digest}"

    async def read(self) -> bytes:
        """Return the bytes."""
        if self._data is None:
            self._data = await asyncio.to_thread(self._read)
        return self._data

    def _read(self) -> bytes:
        most = self._channel.limits().max_picture_bytes
        try:
            descriptor = os.open(self._path, _HOW)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                data = file.read(most + 1)
        except FileNotFoundError as error:
            raise Unavailable(f"{self._name}: it is gone") from error
        except OSError as error:
            reason = error.strerror or str(error)
            self._channel.pass_by(self._path, f"{reason}; it is tried again every {LEAVE_S:g} s")
            raise Unavailable(f"{self._name}: {reason}") from error
        if len(data) > most:
            raise Unreadable("picture_too_large", f"{status.st_size} bytes; at most {most}")
        self.origin = Origin(self._name, self.origin.device, moment_of(status.st_mtime))
        return data

    async def settle(self, outcome: Outcome) -> None:
        """Move the file, or remove it; raises OSError where that cannot be done."""
        remove = self._channel.settings.taken == "remove" and outcome.kind != "refused"
        await asyncio.to_thread(self._put_away, PUT_IN.get(outcome.kind, DONE), remove=remove)
        if outcome.kind == "kept back":
            log.info("images.kept_back %s: %s", self._channel.plugin, self._name)
        self._channel.forget(self._path)

    def _put_away(self, folder: str, *, remove: bool) -> None:
        with suppress(FileNotFoundError):
            if remove:
                self._path.unlink()
                return
            target = self._channel.root / folder / self._place
            target.parent.mkdir(parents=True, exist_ok=True)
            self._path.rename(_free(target))

    async def leave(self, reason: str) -> None:
        """Offer it again in a while."""
        self._channel.forget(self._path, for_s=LEAVE_S)


def _free(target: Path) -> Path:
    """Return a name that no other file has: of cameras that number from 1 again, both pictures stay."""
    number, found = 1, target
    while found.exists():
        number += 1
        found = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return found


def _raise(error: OSError) -> None:
    raise error
