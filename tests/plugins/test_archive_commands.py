"""`lenshub archive verify` and `restore`, on a bucket and a folder that dispatch has filled."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from hub.cli import app
from hub.dispatch.dispatch import Dispatch
from hub.loading import load_instance
from hub.store.log import EventLog
from hub.store.overview import reading
from hub.store.schema import deliveries

SOUND = {"compared": 9, "waiting": 0, "missing": [], "differing": [], "strange": []}
DAY, STEM = "2018/08/16/Seattle01", "Seattle01_20180816-183152"
BATCH = "batches/dt=2018-08-16/records_000000000001-000000010000.jsonl.gz"


class Kept:
    """A hub's folder with three archived events; runs commands on it."""

    def __init__(self, folder: Path, table: dict[str, Any]) -> None:
        self.folder = folder
        self.table = table

    def write_config(self, data_dir: Path, **more: Any) -> Path:
        lines = [f"{name} = {json.dumps(value)}" for name, value in (self.table | more).items()]
        text = "\n".join(["[hub]", f"data_dir = {json.dumps(str(data_dir))}", "[plugins.s3-archive]", *lines])
        path = self.folder / f"{data_dir.name}.toml"
        path.write_text(text)
        return path

    async def run(self, *arguments: str, data_dir: Path, **more: Any) -> tuple[int, Any]:
        config = self.write_config(data_dir, **more)
        command = ["archive", *arguments, "--json", "--config", str(config)]
        ran = await asyncio.to_thread(CliRunner().invoke, app, command)
        return ran.exit_code, json.loads(ran.stdout) if ran.stdout else ran.stderr

    async def verify(self, *arguments: str, **more: Any) -> tuple[int, Any]:
        return await self.run("verify", *arguments, data_dir=self.folder / "data", **more)


@asynccontextmanager
async def filled(hub: Any, table: dict[str, Any], wait_until: Any) -> AsyncIterator[None]:
    loaded = load_instance("s3-archive", table, hub.data_dir)
    ready = asyncio.Event()
    running = asyncio.create_task(Dispatch(hub.writer, hub.log, hub.frames).run([loaded], ready))
    await ready.wait()
    yield

    async def settled() -> bool:
        query = select(deliveries.c.outcome)
        found = await hub.writer.change(lambda connection: connection.execute(query).scalars().all())
        return list(found) == ["done"] * 3

    await wait_until(settled)
    if "batches" in table:
        await loaded.plugin.batches.flush()
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """The hub's data folder, inside of the test's."""
    return tmp_path / "data"


@pytest.fixture
async def kept(hub: Any, picture: bytes, wait_until: Any) -> Kept:
    """Three events with pictures, archived in a folder, with batches."""
    folder = hub.data_dir.parent
    table = {"folder": str(folder / "archive"), "batches": "gzip", "batch_every_s": 3600}
    async with filled(hub, table, wait_until):
        for number in range(3):
            await hub.store(picture, key=f"edge:Seattle01/0a1b/{number + 1}")
    return Kept(folder, table)


async def events_of(data_dir: Path) -> list[dict[str, Any]]:
    async with reading(data_dir) as engine:
        return [event.model_dump() for event in await EventLog(engine).after(0, 100)]


def ask(data_dir: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "hub.sqlite")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("deep", [(), ("--deep",)])
async def test_verify_finds_a_sound_archive_sound(kept: Kept, deep: tuple[str, ...]) -> None:
    assert await kept.verify(*deep) == (0, SOUND | {"compared": 10})


SPOILT: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "raw gone": (lambda a: (a / f"raw_images/{DAY}/raw_{STEM}_2.jpg").unlink(), "missing", "raw_images/"),
    "record gone": (lambda a: (a / f"json/{DAY}/record_{STEM}_2.json").unlink(), "missing", "json/"),
    "raw cut off": (
        lambda a: (a / f"raw_images/{DAY}/raw_{STEM}_2.jpg").write_bytes(b"x"),
        "differing",
        "raw",
    ),
    "record of another": (
        lambda a: shutil.copy(a / f"json/{DAY}/record_{STEM}_1.json", a / f"json/{DAY}/record_{STEM}_2.json"),
        "differing",
        "json/",
    ),
    "batch cut off": (lambda a: (a / BATCH).write_bytes((a / BATCH).read_bytes()[:-5]), "differing", BATCH),
    "somebody's": (lambda a: (a / "holiday.jpg").write_bytes(b"x"), "strange", "holiday.jpg"),
}


@pytest.mark.parametrize("case", SPOILT)
async def test_verify_names_what_was_spoilt(kept: Kept, case: str) -> None:
    spoil, kind, begins = SPOILT[case]
    spoil(kept.folder / "archive")
    code, found = await kept.verify()
    assert code == (0 if kind == "strange" else 3)
    assert [key[: len(begins)] for key in found[kind]] == [begins]


async def test_verify_names_records_that_batches_lack(kept: Kept, hub: Any) -> None:
    async with hub.running("s3-archive", **kept.table) as archive:
        batches = archive.plugin.batches
        (kept.folder / "archive" / BATCH).unlink()
        record = kept.folder / f"archive/json/{DAY}/record_{STEM}_1.json"
        await batches.add(json.dumps(json.loads(record.read_bytes())).encode())
        await batches.flush()
    code, found = await kept.verify()
    assert (code, found["missing"]) == (3, [f"{BATCH}: event {number}" for number in (2, 3)])


async def test_verify_counts_events_that_are_not_archived_yet(kept: Kept, hub: Any, picture: bytes) -> None:
    await hub.store(picture)
    assert await kept.verify() == (0, SOUND | {"compared": 10, "waiting": 1})


async def test_verify_says_that_an_instance_is_of_another_plugin(kept: Kept) -> None:
    config = kept.write_config(kept.folder / "data")
    config.write_text(config.read_text() + "\n[plugins.tweet]\n")
    ran = await asyncio.to_thread(
        CliRunner().invoke, app, ["archive", "verify", "tweet", "--config", str(config)]
    )
    assert (ran.exit_code, ran.stderr) == (2, "plugins.tweet: is no s3-archive\n")


@pytest.mark.parametrize("batches", [True, False], ids=["from batches", "from records"])
async def test_restore_rebuilds_events_and_frames(kept: Kept, picture: bytes, batches: bool) -> None:
    if not batches:
        (kept.folder / "archive" / BATCH).unlink()
    fresh = kept.folder / "fresh"
    assert await kept.run("restore", data_dir=fresh) == (0, {"events": 3, "problems": []})
    assert await events_of(fresh) == await events_of(kept.folder / "data")
    assert [path.read_bytes() for path in (fresh / "frames").rglob("*.jpg")] == [picture]
    assert ask(fresh, "SELECT device, epoch, committed FROM epochs") == [("Seattle01", "0a1b", 3)]
    code, found = await kept.run("verify", data_dir=fresh)
    assert (code, found["missing"], found["strange"]) == (0, [], [])


async def test_restore_goes_on_after_an_interruption(kept: Kept) -> None:
    fresh = kept.folder / "fresh"
    await kept.run("restore", data_dir=fresh)
    with closing(sqlite3.connect(fresh / "hub.sqlite")) as connection:
        for table, column in (("detections", "event_id"), ("events", "id"), ("messages", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = 2")  # noqa: S608 - names of our own
        connection.commit()
    (fresh / "restoring").write_text(str(kept.folder / "archive"))
    assert await kept.run("restore", data_dir=fresh) == (0, {"events": 3, "problems": []})
    assert await events_of(fresh) == await events_of(kept.folder / "data")


async def test_restore_leaves_a_store_with_events_alone(kept: Kept) -> None:
    data_dir = kept.folder / "data"
    code, said = await kept.run("restore", data_dir=data_dir)
    assert (code, said) == (1, f"{data_dir}: has 3 events already; restore into an empty data_dir\n")


async def test_restore_says_what_it_could_not_read(kept: Kept) -> None:
    archive, fresh = kept.folder / "archive", kept.folder / "fresh"
    (archive / BATCH).write_bytes(b"nonsense")
    (archive / f"json/{DAY}/record_{STEM}_1.json").write_bytes(b'{"id": "../../x"}')
    (archive / f"raw_images/{DAY}/raw_{STEM}_2.jpg").write_bytes(b"another picture")
    (archive / f"raw_images/{DAY}/raw_{STEM}_3.jpg").unlink()
    code, found = await kept.run("restore", data_dir=fresh)
    assert (code, found["events"], len(found["problems"])) == (3, 2, 4)
    assert [event["id"] for event in await events_of(fresh)] == [2, 3]


async def test_objects_of_another_layout_are_told_as_what_they_are(kept: Kept) -> None:
    (kept.folder / "archive" / BATCH).unlink()
    code, found = await kept.verify(layout="dated")
    assert (code, len(found["missing"]), len(found["strange"])) == (3, 6, 9)
    code, found = await kept.run("restore", data_dir=kept.folder / "fresh", layout="dated")
    assert (code, found["events"], len(found["problems"])) == (3, 0, 3)
    assert "; are `layout` or `keys` no longer as they were?" in found["problems"][0]


async def test_restore_refuses_an_id_that_leaves_no_room_for_others(kept: Kept) -> None:
    archive, fresh = kept.folder / "archive", kept.folder / "fresh"
    (archive / BATCH).unlink()
    last, record = 2**63 - 1, json.loads((archive / f"json/{DAY}/record_{STEM}_1.json").read_bytes())
    (archive / f"json/{DAY}/record_{STEM}_{last}.json").write_text(json.dumps(record | {"id": last}))
    code, found = await kept.run("restore", data_dir=fresh)
    assert (code, found["events"]) == (3, 3)
    assert found["problems"] == [
        f"json/{DAY}/record_{STEM}_{last}.json: is no record (no hub gives the id {last})"
    ]


async def test_archive_in_a_folder_is_read_without_its_links(kept: Kept) -> None:
    archive = kept.folder / "archive"
    (archive / "link.json").symlink_to("/etc/passwd")
    (archive / "links").symlink_to("/etc")
    assert await kept.verify() == (0, SOUND | {"compared": 10})
    fresh = kept.folder / "fresh"
    assert await kept.run("restore", data_dir=fresh) == (0, {"events": 3, "problems": []})


async def test_archive_in_a_bucket_is_verified_and_restored(
    hub: Any, picture: bytes, wait_until: Any, s3: Any, faulty_s3: Any
) -> None:
    table = {"bucket": "archive", "prefix": "p/", "endpoint_url": faulty_s3.address, "layout": "dated"}
    async with filled(hub, table, wait_until):
        for _ in range(3):
            await hub.store(picture)
    kept = Kept(hub.data_dir.parent, table)
    assert await kept.verify() == (0, SOUND)
    assert not [line for line in faulty_s3.requests if line.startswith("GET") and "/raw/" in line]
    assert (await kept.run("restore", data_dir=kept.folder / "fresh"))[0] == 0
    assert await events_of(kept.folder / "fresh") == await events_of(kept.folder / "data")
    await s3.put_object(Bucket="archive", Key="p/raw/dt=2018-08-16/device=Seattle01/183152_1.jpg", Body=b"x")
    code, found = await kept.verify()
    assert (code, len(found["differing"])) == (3, 1)


async def test_verify_compares_by_digest_where_the_store_has_lost_its_frames(kept: Kept, hub: Any) -> None:
    shutil.rmtree(hub.data_dir / "frames")
    assert await kept.verify() == (0, SOUND | {"compared": 10})
