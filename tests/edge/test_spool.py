"""The spool: numbering, epochs, quota, acknowledgement, locks, and what a kill leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.spool import AGE_REASON, FORGOTTEN_REASON, QUOTA_REASON, Spool, SpoolError

WRITER = """
import sys
from edge.spool import Spool
spool = Spool.open(sys.argv[1])
for number in range(100_000):
    place = spool.append_many((b'{"n":%d}' % n, None) for n in range(number * 5, number * 5 + 5))
    print(place.epoch, place.seq, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    with Spool.open(path) as opened:
        yield opened


def everything(spool: Spool) -> list[tuple[str, int]]:
    """Send and acknowledge all, and return the places in the order of sending."""
    places = []
    while spool.pending:
        name = spool.sending().name
        batch = spool.read(name, spool.sending().first - 1, 1000, 2**20)
        places += [(name, record.seq) for record in batch.records]
        spool.acknowledge(name, batch.records[-1].seq)
    return places


def test_spool_numbers_from_one_when_it_is_new(spool):
    assert [spool.append(b"{}").seq for _ in range(3)] == [1, 2, 3]


def test_spool_gives_back_line_and_picture_when_read(spool):
    epoch, _ = spool.append(b'{"a":1}', b"\x00picture\n")
    record = spool.read(epoch, 0, 10, 1000).records[0]
    assert (record.seq, record.line, record.picture) == (1, b'{"a":1}', b"\x00picture\n")


def test_spool_keeps_nothing_of_a_batch_when_one_record_is_wrong(spool):
    with pytest.raises(ValueError, match="one line"):
        spool.append_many([(b"{}", None), (b"{\n}", None)])
    assert (spool.pending, spool.append(b"{}").seq, spool.used_bytes) == (0, 1, 66)


def test_spool_reads_at_least_one_record_when_it_is_larger_than_allowed(spool):
    epoch, _ = spool.append_many([(b"{}", b"x" * 5000), (b"{}", None)])
    assert [record.seq for record in spool.read(epoch, 0, 10, 100).records] == [1]


def test_spool_deletes_up_to_the_ack_when_acknowledged(spool):
    epoch, _ = spool.append_many([(b"{}", None)] * 10)
    spool.acknowledge(epoch, 7)
    assert (spool.pending, spool.sending().first) == (3, 8)


@pytest.mark.parametrize(("epoch", "seq"), [("0" * 16, 5), ("own", 0), ("own", 3)])
def test_spool_changes_nothing_when_an_ack_is_unknown_or_old(spool, epoch, seq):
    own, _ = spool.append_many([(b"{}", None)] * 10)
    spool.acknowledge(own, 4)
    spool.acknowledge(own if epoch == "own" else epoch, seq)
    assert spool.pending == 6


def test_spool_deletes_all_it_has_when_the_hub_is_further(spool):
    epoch, _ = spool.append_many([(b"{}", None)] * 10)
    spool.acknowledge(epoch, 1_000_000)
    assert (spool.pending, spool.append(b"{}").seq) == (0, 11)


def test_spool_begins_another_epoch_when_opened_again(path):
    with Spool.open(path) as first:
        old = first.append(b"{}")
    with Spool.open(path) as second:
        new = second.append(b"{}")
    assert old.epoch != new.epoch
    assert new.seq == 1


def test_spool_sends_leftovers_first_when_opened_again(path):
    places = []
    for _ in range(3):
        with Spool.open(path) as spool:
            epoch, _ = spool.append_many([(b"{}", None)] * 4)
            places += [(epoch, seq) for seq in range(1, 5)]
    with Spool.open(path) as spool:
        assert everything(spool) == places


def test_spool_forgets_an_earlier_epoch_when_all_of_it_is_acknowledged(path):
    for _ in range(3):
        with Spool.open(path) as spool:
            epoch = spool.append(b"{}").epoch
            spool.acknowledge(epoch, 1)
    with Spool.open(path), sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM epochs").fetchone() == (1,)
    database.close()


def test_spool_drops_pictures_first_when_over_quota(path):
    with Spool.open(path, quota_bytes=10_000) as spool:
        line = json.dumps({"frame": {"digest": "x"}, "device": "ü"}).encode()
        epoch, _ = spool.append_many([(line, b"p" * 3000)] * 5)
        records = spool.read(epoch, 0, 10, 2**20).records
    assert [record.picture is None for record in records] == [True, True, False, False, False]
    assert json.loads(records[0].line) == {"frame": {"dropped": QUOTA_REASON}, "device": "ü"}


def test_spool_drops_the_oldest_records_when_there_are_no_pictures_left(path):
    with Spool.open(path, quota_bytes=10_000) as spool:
        epoch, _ = spool.append_many([(b'{"text":"%s"}' % (b"x" * 900), b"p" * 3000)] * 30)
        batch = spool.read(epoch, 0, 100, 2**20)
        assert spool.used_bytes <= 10_000
    first = batch.records[0].seq
    assert [record.seq for record in batch.records] == list(range(first, 31))
    assert [(gap.first, gap.last, gap.reason) for gap in batch.gaps] == [(1, first - 1, QUOTA_REASON)]


def test_spool_keeps_the_newest_record_when_the_quota_is_smaller_than_it(path):
    with Spool.open(path, quota_bytes=10) as spool:
        for _ in range(3):
            epoch, _ = spool.append(b"{}", b"picture")
        assert [record.seq for record in spool.read(epoch, 0, 10, 100).records] == [3]


def test_spool_drops_records_of_earlier_epochs_first_when_over_quota(path):
    with Spool.open(path) as spool:
        old, _ = spool.append_many([(b"x" * 936, None)] * 5)
    with Spool.open(path, quota_bytes=5000) as spool:
        new, _ = spool.append_many([(b"x" * 936, None)] * 5)
        batch = spool.read(old, 0, 10, 2**20)
        assert (spool.sending().name, batch.records, batch.gaps[0].last) == (old, (), 5)
        spool.acknowledge(old, 5)
        assert spool.sending().name == new


def test_spool_tells_two_gaps_apart_when_the_hub_forgot_and_the_quota_dropped(path):
    with Spool.open(path, quota_bytes=5000) as spool:
        epoch, _ = spool.append_many([(b"x" * 936, None)] * 3)
        spool.acknowledge(epoch, 2)
        spool.append_many([(b"x" * 936, None)] * 7)
        gaps = spool.read(epoch, 0, 10, 2**20).gaps
    assert [(gap.first, gap.last, gap.reason) for gap in gaps] == [
        (1, 2, FORGOTTEN_REASON),
        (3, 5, QUOTA_REASON),
    ]


def test_spool_goes_on_when_an_old_copy_was_restored(path, tmp_path):
    with Spool.open(path) as spool:
        epoch, _ = spool.append_many([(b"{}", None)] * 10)
        with sqlite3.connect(tmp_path / "copy.db") as copy, sqlite3.connect(path) as source:
            source.backup(copy)
        copy.close()
        source.close()
        spool.append_many([(b"{}", None)] * 10)
        spool.acknowledge(epoch, 20)
    shutil.move(tmp_path / "copy.db", path)
    with Spool.open(path) as restored:
        assert restored.sending().name == epoch
        restored.acknowledge(epoch, 20)
        assert restored.append(b"{}").epoch == restored.sending().name != epoch


def test_spool_is_refused_in_one_line_when_another_agent_has_it(path, spool):
    with pytest.raises(SpoolError, match="another agent has this spool open") as caught:
        Spool.open(path)
    assert "\n" not in str(caught.value)


def test_spool_is_refused_when_the_file_is_no_database(path):
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 100)
    with pytest.raises(SpoolError, match="move it away"):
        Spool.open(path)


def test_spool_is_refused_when_its_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match=r"agent\.spool"):
        Spool.open(tmp_path / "file" / "spool.db")


def test_spool_is_refused_when_a_later_version_wrote_it(path):
    Spool.open(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SpoolError, match="version 99"):
        Spool.open(path)


def test_spool_keeps_its_promise_when_the_disk_is_full(spool):
    epoch, _ = spool.append(b"{}")
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SpoolError, match="full"):
        spool.append_many([(b"{}", b"x" * 100_000)] * 10)
    assert (spool.pending, [r.seq for r in spool.read(epoch, 0, 10, 100).records]) == (1, [1])


def test_spool_numbers_without_holes_when_several_threads_append(spool):
    threads = [threading.Thread(target=lambda: [spool.append(b"{}") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    epoch = spool.sending().name
    assert [record.seq for record in spool.read(epoch, 0, 1000, 2**20).records] == list(range(1, 201))


def test_spool_tells_its_watchers_when_something_was_appended(spool):
    told: list[int] = []
    with spool.watched(lambda: told.append(spool.pending)):
        spool.append(b"{}")
    spool.append(b"{}")
    assert told == [1]


def test_spool_has_all_it_confirmed_in_order_when_its_writer_is_killed(path):
    confirmed: list[tuple[str, int]] = []
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(20)]
            os.kill(writer.pid, signal.SIGKILL)
            lines += [line for line in writer.stdout.readlines() if line.endswith(b"\n")]
        epoch, seq = lines[-1].decode().split()
        confirmed.append((epoch, int(seq)))
    with Spool.open(path) as spool:
        places = everything(spool)
    for epoch, seq in confirmed:
        numbers = [number for name, number in places if name == epoch]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= seq
    assert list(dict.fromkeys(name for name, _ in places)) == [epoch for epoch, _ in confirmed]


def test_spool_refuses_records_before_the_disk_is_full_but_still_deletes(path, monkeypatch):
    with Spool.open(path) as spool:
        place = spool.append(b"{}")
        monkeypatch.setattr("edge.spool.RESERVE_BYTES", 2**62)
        with pytest.raises(SpoolError, match="MiB free on its disk"):
            spool.append(b"{}")
        spool.acknowledge(place.epoch, place.seq)
        assert spool.pending == 0


class Clocks:
    """The wall clock, and a steady one, that a test sets."""

    wall = 1_800_000_000.0
    steady = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def open(self, path: Path) -> Spool:
        return Spool.open(path, clock=lambda: self.wall, steady=lambda: self.steady)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_spool_gives_up_pictures_first_and_then_records_when_they_are_too_old(path, clocks):
    with clocks.open(path) as spool:
        for _ in range(3):
            epoch, _ = spool.append(b'{"frame":{}}', b"picture")
            clocks.pass_by(100)
        spool.expire(150, 250)
        batch = spool.read(epoch, 0, 10, 1000)
    assert [(gap.first, gap.last, gap.reason) for gap in batch.gaps] == [(1, 1, QUOTA_REASON)]
    assert [(record.seq, record.picture) for record in batch.records] == [(2, None), (3, b"picture")]
    assert json.loads(batch.records[0].line)["frame"] == {"dropped": AGE_REASON}


def test_spool_announces_all_as_a_gap_when_all_is_too_old(path, clocks):
    with clocks.open(path) as spool:
        epoch, _ = spool.append_many([(b"{}", b"picture")] * 5)
        clocks.pass_by(100)
        spool.expire(None, 50)
        gap = spool.read(epoch, 0, 10, 1000).gaps[0]
        assert (gap.first, gap.last, spool.used_bytes, spool.pending) == (1, 5, 0, 5)
        spool.acknowledge(epoch, 5)
        assert (spool.pending, spool.append(b"{}").seq) == (0, 6)


def test_spool_keeps_records_of_any_age_when_no_limit_is_set(path, clocks):
    with clocks.open(path) as spool:
        spool.append(b"{}", b"picture")
        clocks.pass_by(10**9)
        spool.expire(None, None)
        assert spool.used_bytes == 73


def test_spool_is_not_fooled_when_the_clock_is_set_while_it_is_open(path, clocks):
    clocks.wall = 5.0
    with clocks.open(path) as spool:
        spool.append(b"{}", b"picture")
        clocks.wall = 1_800_000_000.0
        spool.expire(3600, 3600)
        assert spool.used_bytes == 73
    with clocks.open(path) as spool:
        spool.expire(3600, 3600)
        assert spool.used_bytes == 73


def test_spool_of_version_1_is_renewed_when_it_is_opened(path):
    with Spool.open(path) as spool:
        spool.append(b"{}", b"picture")
    with sqlite3.connect(path) as database:
        database.execute("DROP INDEX records_by_age")
        database.execute("ALTER TABLE records DROP COLUMN spooled_at")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with Spool.open(path) as spool:
        spool.expire(3600, 3600)
        assert spool.read(spool.sending().name, 0, 10, 1000).records[0].picture == b"picture"
