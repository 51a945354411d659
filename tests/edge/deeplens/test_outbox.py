"""The outbox: what was appended is there until it is removed."""

from __future__ import annotations

import pytest

from edge.deeplens.outbox import Outbox
from edge.spool_file import SpoolError

QUOTA = 2**20


def test_outbox_gives_letters_in_order_when_opened_again(tmp_path):
    with Outbox.open(tmp_path / "o.db", QUOTA) as outbox:
        for number in range(5):
            outbox.append(f"t/{number}", b"\x00\xff")
    with Outbox.open(tmp_path / "o.db", QUOTA) as outbox:
        assert [letter.topic for letter in outbox.read(0, 3)] == ["t/0", "t/1", "t/2"]


def test_outbox_removes_only_what_it_is_told(tmp_path):
    with Outbox.open(tmp_path / "o.db", QUOTA) as outbox:
        for number in range(3):
            outbox.append("t", str(number).encode())
        outbox.remove([1, 3])
        assert [letter.payload for letter in outbox.read(0, 9)] == [b"1"]


def test_outbox_throws_the_oldest_away_when_over_its_quota(tmp_path):
    with Outbox.open(tmp_path / "o.db", 10_000) as outbox:
        for number in range(30):
            outbox.append(str(number), b"x" * 1000)
        kept = [letter.topic for letter in outbox.read(0, 99)]
        assert kept == [str(number) for number in range(30 - len(kept), 30)]
        assert outbox.dropped == 30 - len(kept) > 20


def test_outbox_refuses_a_second_program(tmp_path):
    with Outbox.open(tmp_path / "o.db", QUOTA), pytest.raises(SpoolError, match=r"another agent .*--spool"):
        Outbox.open(tmp_path / "o.db", QUOTA)


def test_outbox_says_so_when_the_file_is_no_database(tmp_path):
    (tmp_path / "o.db").write_bytes(b"x" * 5000)
    with pytest.raises(SpoolError, match="cannot be used"):
        Outbox.open(tmp_path / "o.db", QUOTA)
