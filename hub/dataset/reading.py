"""What a format's reader works with: the folder, where it reports, and the checks that all share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hub.dataset.box import Box, Corners, judge
from hub.dataset.checked import MOST_ADDRESS_CHARS, name_of
from hub.dataset.finding import Effect, Finding
from hub.dataset.folder import Folder, UnreadableError, printable
from hub.dataset.picture import Picture, look_at
from hub.dataset.reference import is_reference, key_of
from hub.dataset.sample import Object, Sample, Split

Tell = Callable[[int, int], None]
"""Is told how much of how much is done."""

_SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def silent(done: int, total: int) -> None:
    """Tell nobody."""


class Reading:
    """One reading of a set. Findings gather in `findings`."""

    def __init__(self, folder: Folder, tell: Tell = silent) -> None:
        self.folder = folder
        self.tell = tell
        self.findings: list[Finding] = []
        self.robbed: set[Path] = set()
        """Pictures of which an object was left out: one without others is no negative."""
        self._looked: dict[Path, Picture] = {}
        self._in_s3: dict[Path, str] = {}

    def note(self, code: str, where: str, said: str, effect: Effect) -> None:
        """Keep a finding."""
        self.findings.append(Finding(code, where, said, effect))

    @contextmanager
    def guard(self, where: str) -> Iterator[None]:
        """Make of an unreadable value or file a finding, and go on behind the block."""
        try:
            yield
        except UnreadableError as error:
            self.note(error.code, where, error.reason, "left out")

    @contextmanager
    def guard_object(self, where: str, picture: Picture) -> Iterator[None]:
        """Guard the reading of one object of a picture, and remember the picture if it is left out."""
        before = len(self.findings)
        with self.guard(where):
            yield
        if any(one.effect == "left out" for one in self.findings[before:]):
            self.robbed.add(picture.path)

    def count(self, things: Sequence[Path]) -> Iterator[Path]:
        """Yield files one by one, telling of the progress."""
        for done, thing in enumerate(things):
            self.tell(done, len(things))
            yield thing
        self.tell(len(things), len(things))

    def find_picture(self, name: str, near: Path, *folders: str) -> Picture:
        """Return the picture that an annotation names: beside it, in one of the folders, or spelt otherwise.

        Raises:
            UnreadableError: `path_outside`, `picture_missing` or `picture_unreadable`.
        """
        for base in (near, *(self.folder.root / folder for folder in folders)):
            path = self.folder.inside(name, base)
            if self.folder.has_file(path):
                return self.look_at(path)
        base_name = name.replace("\\", "/").rpartition("/")[2]
        like = self.folder.picture_like(base_name, near, folders)
        like = like or self.folder.picture_like(Path(base_name).stem, near, folders)
        if like is None:
            raise UnreadableError("picture_missing", f"there is no picture {name!r}")
        self.note(
            "picture_renamed", self.folder.where(like), f"is called {name!r} in its annotation", "noted"
        )
        return self.look_at(like)

    def find_in_s3(
        self, address: object, missing: UnreadableError, measure: Callable[[], tuple[int, int, int]]
    ) -> Picture:
        """Return a missing picture that lies in S3, as its annotation describes it.

        Args:
            address: What the annotation says of where it lies.
            missing: What is raised where it is not in S3, or not described.
            measure: Returns width, height and depth as the annotation has them.
        """
        if missing.code != "picture_missing" or not isinstance(address, str) or not is_reference(address):
            raise missing
        path = self.folder.inside(name_of(key_of(address), "the key", MOST_ADDRESS_CHARS))
        try:
            found = Picture(path, *measure())
        except UnreadableError:
            raise missing from None
        self._in_s3[path] = address
        return found

    def look_at(self, path: Path) -> Picture:
        """Return a picture's facts; what is odd about it is noted once. Raises UnreadableError."""
        if path not in self._looked:
            found = self._looked[path] = look_at(path)
            for said in found.oddities:
                self.note("picture_odd", self.folder.where(path), said, "noted")
        return self._looked[path]

    def check_size(self, said: tuple[int, int], picture: Picture) -> None:
        """Raise UnreadableError (`size_differs`) where an annotation is of a picture of another size."""
        if said not in {(picture.width, picture.height), picture.upright}:
            actual = f"the picture is {picture.width} x {picture.height}"
            reason = f"the annotation says {said[0]} x {said[1]}, {actual}: its boxes are of another picture"
            raise UnreadableError("size_differs", reason)

    def judge(self, where: str, corners: Corners, size: tuple[int, int]) -> Box | None:
        """Return a box as it can be used, or None; what is wrong with it is noted."""
        box, fault = judge(corners, size)
        if fault is not None:
            self.note(fault.code, where, fault.said, fault.effect)
        return box

    def sample(
        self,
        picture: Picture,
        objects: Sequence[Object],
        split: Split | None,
        size: tuple[int, int, int] | None = None,
    ) -> Sample:
        """Return the sample of a picture.

        Args:
            size: Width, height and depth as the annotation has them; else those of the upright picture.
        """
        measured = size or (*picture.upright, picture.depth)
        reference = self._in_s3.get(picture.path, "")
        name = key_of(reference) if reference else printable(picture.path.name)
        as_stored = measured[:2] != picture.upright
        return Sample(
            name, picture.path, *measured, tuple(objects), split, reference=reference, as_stored=as_stored
        )


def split_of(path: Path | str) -> Split | None:
    """Return the split that the nearest folder, or the file's own name, speaks of."""
    parts = list(Path(path).parts)
    words = [Path(parts[-1]).stem, *reversed(parts[:-1])] if parts else []
    for word in words:
        for piece in (word.lower(), word.lower().split("_")[0], word.lower().split("_")[-1]):
            found = _SPLIT_WORDS.get(piece.rstrip("0123456789"))
            if found is not None:
                return found
    return None


def in_order(labels: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
    """Return classes: the known ones in their order, then the others by name."""
    return (*dict.fromkeys(known), *sorted(set(labels) - set(known)))
