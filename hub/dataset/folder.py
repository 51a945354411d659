"""The folder of a training set: finds and reads what is in it, and nothing outside of it."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from hub.dataset.finding import DatasetError

MOST_BYTES = 64 * 1024 * 1024
OUR_OWN = ("datasheet.json", "datasheet.md", "datasheet.png", "provenance.jsonl")
"""What an export puts beside a set, and no format knows."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def printable(name: str) -> str:
    """Return a file's name without what is no text: bytes that are not UTF-8, and line feeds."""
    return name if name.isprintable() else "".join(one if one.isprintable() else "_" for one in name)


class UnreadableError(DatasetError):
    """A file of the set cannot be read.

    Attributes:
        code: A stable word, such as `file_not_utf8`.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Folder:
    """A set's folder; links that lead out of it are not followed.

    Raises:
        DatasetError: There is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DatasetError(f"{root}: is no folder")
        self.root = root.resolve()

    def where(self, path: Path) -> str:
        """Return a path as findings name it: text that can be printed."""
        return printable(path.relative_to(self.root).as_posix())

    @cached_property
    def files(self) -> list[Path]:
        """Every regular file, in the order of names; what begins with a dot is not looked at."""
        own = {self.root / name for name in OUR_OWN}
        return sorted(path for path in self._walk() if path not in own)

    def _walk(self) -> Iterator[Path]:
        for folder, names, files in os.walk(self.root):
            names[:] = [name for name in names if not name.startswith(".")]
            paths = (Path(folder, name) for name in files if not name.startswith("."))
            yield from (path for path in paths if path.is_file() and self._is_inside(path))

    def _is_inside(self, path: Path) -> bool:
        return not path.is_symlink() or path.resolve().is_relative_to(self.root)

    def under(self, *folders: str, suffixes: tuple[str, ...]) -> list[Path]:
        """Return the files in or below one of the folders (the set's own is ".") with one of the suffixes."""
        roots = [self.root / folder for folder in folders]
        wanted = (path for path in self.files if path.suffix.lower() in suffixes)
        if self.root in roots:
            return list(wanted)
        return [path for path in wanted if any(path.is_relative_to(root) for root in roots)]

    def has(self, relative: str) -> bool:
        """Whether there is such a file or folder."""
        return (self.root / relative).exists()

    def has_file(self, path: Path) -> bool:
        """Whether there is such a file; of a name that is too long for the disk there is none."""
        try:
            return path.is_file()
        except OSError:
            return False

    def inside(self, name: str, base: Path | None = None) -> Path:
        """Return the path that a name in a file means; it may not exist.

        Raises:
            UnreadableError: `path_outside`, for an absolute path or one that climbs or links out.
        """
        plain = name.replace("\\", "/")
        path = ((base or self.root) / plain) if "\x00" not in plain else self.root.parent
        try:
            real = path.resolve()
        except (OSError, RuntimeError) as error:
            raise UnreadableError("path_outside", f"{name!r} cannot be followed") from error
        if PurePosixPath(plain).is_absolute() or plain[1:2] == ":" or not real.is_relative_to(self.root):
            raise UnreadableError("path_outside", f"{name!r} leads out of the set's folder")
        return real

    @cached_property
    def _pictures(self) -> dict[str, list[Path]]:
        """Pictures by name and by stem, in lower case."""
        found: dict[str, list[Path]] = {}
        for path in self.under(".", suffixes=PICTURE_SUFFIXES):
            found.setdefault(path.name.lower(), []).append(path)
            found.setdefault(path.stem.lower(), []).append(path)
        return found

    def picture_like(self, name: str, near: Path, folders: tuple[str, ...]) -> Path | None:
        """Return the picture with this name or stem in other spelling, the nearest first."""
        found = self._pictures.get(name.lower(), [])
        roots = [near, *(self.root / folder for folder in folders)]
        for root in roots:
            for path in found:
                if path.is_relative_to(root):
                    return path
        return found[0] if len(found) == 1 else None

    def read(self, path: Path, most: int = MOST_BYTES) -> bytes:
        """Return the bytes of a file; raises UnreadableError (`file_unreadable` or `file_too_large`)."""
        try:
            with path.open("rb") as file:
                data = file.read(most + 1)
        except OSError as error:
            raise UnreadableError("file_unreadable", str(error.strerror)) from error
        if len(data) > most:
            raise UnreadableError("file_too_large", f"more than {most} bytes")
        return data

    def text(self, path: Path, most: int = MOST_BYTES) -> str:
        """Return a file's text: UTF-8, or UTF-16 with its mark; raises UnreadableError."""
        data = self.read(path, most)
        encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            reason = f"line {line}: is neither UTF-8 nor UTF-16 with its mark; save it as UTF-8"
            raise UnreadableError("file_not_utf8", reason) from error
