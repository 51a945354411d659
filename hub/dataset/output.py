"""A set being written: beside its place, and renamed to it when all of it is on the disk."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hub.dataset.finding import DatasetError
from hub.dataset.reading import Tell, silent
from hub.dataset.reference import key_of
from hub.dataset.sample import Dataset, Sample

FULL = {errno.ENOSPC, errno.EDQUOT}


class Output:
    """A folder that fills up.

    Args:
        copies: Copy pictures also where a hard link would do.
        prefix: What stands before the path of a picture in a manifest, such as s3://bucket/set/.
    """

    def __init__(self, root: Path, tell: Tell = silent, *, copies: bool = False, prefix: str = "") -> None:
        self.root = root
        self.tell = tell
        self.prefix = prefix
        self._copies = copies
        self._made: set[Path] = set()

    def count(self, samples: list[Sample]) -> Iterator[Sample]:
        """Yield samples one by one, telling of the progress."""
        for done, sample in enumerate(samples):
            self.tell(done, len(samples))
            yield sample
        self.tell(len(samples), len(samples))

    def text(self, relative: str, text: str) -> None:
        """Write a file as UTF-8 with line feeds."""
        self.file(relative, text.encode())

    def file(self, relative: str, data: bytes) -> None:
        """Write a file."""
        self._place(relative).write_bytes(data)

    def picture(self, sample: Sample, relative: str) -> None:
        """Put a picture there, unless it is in S3: as a hard link where that can be done, else as a copy."""
        if sample.reference:
            return
        target = self._place(relative)
        if not self._copies:
            with suppress(OSError):
                os.link(sample.picture.resolve(), target, follow_symlinks=False)
                return
        shutil.copyfile(sample.picture, target)

    def folder(self, relative: str) -> None:
        """Make a folder that may stay empty."""
        self._place(f"{relative}/.")

    def _place(self, relative: str) -> Path:
        target = self.root / relative
        if target.parent not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(target.parent)
        return target


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Give a folder to write into, and rename it to `target` at the end; nothing stays of one that fails.

    Raises:
        DatasetError: There is something at `target` already.
        OSError: The disk is full, which is said of `target`, and the like.
    """
    if target.exists() or target.is_symlink():
        raise DatasetError(f"{target}: is there already; name a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    try:
        yield partial
        partial.chmod(0o755)
        os.sync()  # a flush for each of ten thousand files would take minutes
        partial.rename(target)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in FULL:  # a copy's error names the picture it reads
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def with_own_names(dataset: Dataset) -> Dataset:
    """Return the set with a name for each picture that no other has, whatever the suffix and the case.

    That of a picture in S3 is its key.
    """
    taken: set[str] = set()
    return replace(dataset, samples=tuple(_rename(dataset.samples, taken)))


def _rename(samples: Iterable[Sample], taken: set[str]) -> Iterator[Sample]:
    for sample in samples:
        if sample.reference:
            yield replace(sample, name=key_of(sample.reference))
            continue
        path = Path(sample.name)
        stem, number = path.stem, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{path.stem}-{number}"
        taken.add(stem.lower())
        yield sample if stem == path.stem else replace(sample, name=stem + path.suffix)
