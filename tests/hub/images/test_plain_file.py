"""Files that somebody names may be anything."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.images.offer import Unreadable
from hub.images.plain_file import moment_of, read_file


def test_file_is_read_with_its_time(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"12345")
    os.utime(tmp_path / "a.jpg", (1000, 1000))

    assert read_file(tmp_path / "a.jpg", 5) == (b"12345", datetime.fromtimestamp(1000, UTC))
    with pytest.raises(Unreadable, match="picture_too_large: 5 bytes; at most 4"):
        read_file(tmp_path / "a.jpg", 4)


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(Unreadable, match="file_unreadable: is a pipe, a device"):
            read_file(path, 5)
    with pytest.raises(Unreadable, match="File name too long"):
        read_file(tmp_path / ("x" * 300), 5)


@pytest.mark.parametrize("seconds", [99999999999999.0, -99999999999999.0, 1e300, float("nan")])
def test_time_that_no_calendar_has_is_now(seconds):
    before = datetime.now(UTC)

    assert before <= moment_of(seconds) <= datetime.now(UTC)
