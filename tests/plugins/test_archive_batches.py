"""Batches: each record once whatever is killed, flushed by time, the same bytes for the same records."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.errors import DeliveryError
from plugins.archive_batches import Batches, read_batch
from plugins.archive_compression import MAX_BYTES, Compression, compress, decompress
from plugins.archive_journal import Journal
from plugins.archive_place import FolderPlace

MOMENT = datetime(2018, 8, 16, 23, 59, 59, tzinfo=UTC)


def make_line(number: int, moment: datetime = MOMENT) -> bytes:
    return json.dumps({"id": number, "captured_at": moment.isoformat(), "label": "あ"}).encode()


class FailingPlace(FolderPlace):
    """A folder that raises before or after a write, as a crash would leave it."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        super().__init__(root)
        self._chance = chance

    async def replace(self, key: str, data: bytes, content_type: str) -> None:
        if self._chance.random() < 0.4:
            raise DeliveryError("killed before")
        await super().replace(key, data, content_type)
        if self._chance.random() < 0.4:
            raise DeliveryError("killed after")


def open_batches(folder: Path, place: FolderPlace | None = None, how: Compression = "gzip") -> Batches:
    place = place or FolderPlace(folder / "archive")
    return Batches(place, Journal(folder / "journal"), how, 3600, logging.getLogger("test"))


def archived(folder: Path, how: Compression = "gzip") -> dict[str, list[int]]:
    files = sorted((folder / "archive").rglob("*.jsonl.*"))
    return {path.parent.name: list(read_batch(path.read_bytes(), how)) for path in files}


@pytest.mark.parametrize("how", ["gzip", "zstd"])
async def test_batches_hold_each_record_by_day_in_order(tmp_path: Path, how: Compression) -> None:
    batches = open_batches(tmp_path, how=how)
    await asyncio.gather(*(batches.add(make_line(number)) for number in (3, 1, 2)))
    await batches.add(make_line(4, MOMENT + timedelta(seconds=1)))
    await batches.flush()
    assert archived(tmp_path, how) == {"dt=2018-08-16": [1, 2, 3], "dt=2018-08-17": [4]}
    assert batches.waiting() == set()


async def test_batches_take_late_and_repeated_records_into_the_same_object(tmp_path: Path) -> None:
    batches = open_batches(tmp_path)
    for numbers in ((1, 3), (2, 3), (3,)):
        for number in numbers:
            await batches.add(make_line(number))
        await batches.flush()
    assert archived(tmp_path) == {"dt=2018-08-16": [1, 2, 3]}


async def test_batches_neither_lose_nor_double_whatever_is_killed_when(tmp_path: Path) -> None:
    chance = random.Random(4)  # noqa: S311 - repeatable
    for number in range(1, 201):
        batches = open_batches(tmp_path, FailingPlace(tmp_path / "archive", chance))
        await batches.add(make_line(number))
        if chance.random() < 0.3:
            await batches.add(make_line(chance.randint(1, number)))  # delivered again after a kill
        if chance.random() < 0.5:
            with suppress(DeliveryError):
                await batches.flush()
    await open_batches(tmp_path).flush()
    assert archived(tmp_path) == {"dt=2018-08-16": list(range(1, 201))}


async def test_batches_pass_over_a_line_that_a_full_disk_cut_off(tmp_path: Path) -> None:
    batches = open_batches(tmp_path)
    await batches.add(make_line(1))
    with (tmp_path / "journal/waiting.jsonl").open("ab") as file:
        file.write(make_line(2)[:20])
    await batches.add(make_line(3))
    await batches.flush()
    assert archived(tmp_path) == {"dt=2018-08-16": [1, 3]}


@pytest.mark.parametrize("found", [b"", b"nonsense", compress(b"[]\n", "gzip"), compress(b"{}", "gzip")[:9]])
async def test_batches_do_not_write_over_what_they_cannot_read(tmp_path: Path, found: bytes) -> None:
    batches = open_batches(tmp_path)
    await batches.add(make_line(1))
    path = tmp_path / "archive/batches/dt=2018-08-16/records_000000000001-000000010000.jsonl.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(found)
    with pytest.raises(DeliveryError, match="move it away"):
        await batches.flush()
    assert path.read_bytes() == found
    path.unlink()
    await batches.flush()
    assert archived(tmp_path) == {"dt=2018-08-16": [1]}


async def test_batches_are_flushed_by_time(tmp_path: Path, wait_until: Any) -> None:
    place = FolderPlace(tmp_path / "archive")
    batches = Batches(place, Journal(tmp_path / "journal"), "gzip", 0.01, logging.getLogger("test"))
    running = asyncio.create_task(batches.run())
    for number in (1, 2):
        await batches.add(make_line(number))
        await wait_until(lambda number=number: archived(tmp_path).get("dt=2018-08-16", [])[-1:] == [number])
    running.cancel()
    await asyncio.wait([running])


async def test_batches_say_once_that_they_wait_and_go_on(
    tmp_path: Path, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "archive").write_text("a file where the folder should be")
    place = FolderPlace(tmp_path / "archive")
    batches = Batches(place, Journal(tmp_path / "journal"), "gzip", 0.01, logging.getLogger("test"))
    await batches.add(make_line(1))
    running = asyncio.create_task(batches.run())
    await wait_until(lambda: "archive.batches_waiting" in caplog.text)
    (tmp_path / "archive").unlink()
    await wait_until(lambda: "archive.batches_recovered" in caplog.text)
    running.cancel()
    await asyncio.wait([running])
    assert caplog.text.count("batches_waiting") == 1
    assert archived(tmp_path) == {"dt=2018-08-16": [1]}


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_compression_gives_the_same_bytes_and_refuses_others(how: Compression) -> None:
    data = compress(b"record\n" * 1000, how)
    assert data == compress(b"record\n" * 1000, how)
    assert decompress(data, how) == b"record\n" * 1000
    for broken in (data[:-1], b"", b"nonsense", data[:4]):
        with pytest.raises(ValueError, match=r"ends early|is not"):
            decompress(broken, how)


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_compression_unpacks_no_more_than_its_limit(how: Compression) -> None:
    with pytest.raises(ValueError, match="unpacks to more than"):
        decompress(compress(bytes(MAX_BYTES + 1), how), how)


async def test_archive_puts_every_delivery_into_a_batch(hub: Any, picture: bytes) -> None:
    events = [await hub.store(picture) for _ in range(3)]
    async with hub.running("s3-archive", batches="zstd", batch_every_s=3600) as archive:
        await asyncio.gather(*(hub.deliver(archive, event) for event in events))
        await archive.plugin.batches.flush()
    assert archived(hub.data_dir, "zstd") == {"dt=2018-08-16": [1, 2, 3]}
