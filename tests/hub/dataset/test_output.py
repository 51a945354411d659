"""A set that is being written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from hub.dataset.output import Output, written_beside
from hub.dataset.sample import Sample


def test_full_disk_is_said_of_the_new_folder_of_which_nothing_stays(tmp_path: Path) -> None:
    source, target = tmp_path / "source.jpg", tmp_path / "set"
    source.write_bytes(b"a picture")
    with pytest.raises(OSError, match="No space left") as raised:
        fill(target, source)
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(target))
    assert list(tmp_path.iterdir()) == [source]


def fill(target: Path, source: Path) -> None:
    with written_beside(target) as partial:
        (partial / "a.jpg").symlink_to("/dev/full")
        Output(partial, copies=True).picture(Sample("a.jpg", source, 1, 1, 3, (), "train"), "a.jpg")
