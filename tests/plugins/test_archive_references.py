"""`lenshub dataset export --reference`: pictures stay in the bucket where the archive put them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from hub.cli import app
from hub.dataset.formats import read_dataset
from hub.draw.picture import encode_jpeg
from hub.store.schema import deliveries
from hub.store.settlement import LIVE_RUN

FETCH = "aws s3 sync s3://archive/cams/raw_images/2018/08/16/Seattle01 ./cams/raw_images/2018/08/16/Seattle01"


def draw(seed: int) -> bytes:
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return encode_jpeg(cv2.resize(patches, (64, 48), interpolation=cv2.INTER_NEAREST))


class Exporter:
    """Runs `lenshub dataset` on a hub's folder with an archive in a bucket."""

    def __init__(self, folder: Path, data_dir: Path, table: dict[str, Any]) -> None:
        self.folder = folder
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
        text = ["[hub]", f"data_dir = {json.dumps(str(data_dir))}", "[plugins.s3-archive]", *lines]
        self.config = folder / "hub.toml"
        self.config.write_text("\n".join([*text, "[plugins.local]", 'use = "s3-archive"', "[plugins.tweet]"]))

    async def dataset(self, *arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, ["dataset", *arguments])

    async def export(self, name: str, target: str = "out", *more: str, by: str = "s3-archive") -> Any:
        given = ["--format", name, "--reference", by, "--config", str(self.config), *more]
        return await self.dataset("export", str(self.folder / target), *given)


@pytest.fixture
async def events(hub: Any) -> list[Any]:
    """Five accepted events with pictures."""
    reviewed = {"attributes": {"review": "accepted"}}
    return [await hub.store(draw(number), (64, 48), key=f"k{number}", **reviewed) for number in range(5)]


@pytest.fixture
async def exporter(hub: Any, events: list[Any], s3: Any, s3_server: str) -> Exporter:
    """Four of them are in the bucket, and the deliveries say so."""
    table = {"bucket": "archive", "prefix": "cams/", "endpoint_url": s3_server}
    async with hub.running("s3-archive", **table) as archive:
        for event in events[:4]:
            verdict = await hub.deliver(archive, event)
            row = {"plugin": "s3-archive", "event_id": event.id, "run_id": LIVE_RUN, "attempt": 1}
            row |= {"outcome": verdict.outcome, "reason": "", "note": verdict.note, "updated_at": hub.now}
            await hub.writer.change(partial(add_row, row=row))
    return Exporter(hub.data_dir, hub.data_dir, table)


def add_row(connection: Any, row: dict[str, Any]) -> None:
    connection.execute(deliveries.insert(), row)


async def digest_of(s3: Any, address: str) -> str:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    found = await s3.get_object(Bucket=bucket, Key=key)
    async with found["Body"] as body:
        return hashlib.sha256(await body.read()).hexdigest()


def addresses_in(folder: Path, name: str) -> list[str]:
    if name == "manifest":
        lines = [line for path in folder.glob("*.manifest") for line in path.read_text().splitlines()]
        return [json.loads(line)["source-ref"] for line in lines]
    files = [json.loads(path.read_text()) for path in folder.glob("annotations/*.json")]
    return [image["coco_url"] for one in files for image in one["images"]]


@pytest.mark.parametrize("name", ["manifest", "coco"])
async def test_export_names_the_frames_as_they_came_and_copies_none(
    exporter: Exporter, events: list[Any], s3: Any, name: str
) -> None:
    done = await exporter.export(name)
    assert done.exit_code == 0, done.output
    addresses = addresses_in(exporter.folder / "out", name)
    digests = {await digest_of(s3, address) for address in addresses}
    assert (len(addresses), digests) == (4, {event.frame.digest for event in events[:4]})
    assert not [*(exporter.folder / "out").rglob("*.jpg")]
    said = [json.loads(line) for line in (exporter.folder / "out/provenance.jsonl").read_text().splitlines()]
    assert {one["reference"] for one in said} == {f"s3://archive/{one['file']}" for one in said}
    assert {one["reference"] for one in said} == set(addresses)


async def test_export_leaves_out_and_counts_what_is_not_in_the_bucket(exporter: Exporter, s3: Any) -> None:
    (gone,) = [
        o["Key"] for o in (await s3.list_objects_v2(Bucket="archive"))["Contents"] if "raw_S" in o["Key"]
    ][:1]
    await s3.put_object(Bucket="archive", Key=gone, Body=b"another picture")
    done = await exporter.export("coco", "out", "--json")
    facts = json.loads(done.stdout)
    assert facts["left_out"] == {"whose picture is not in the bucket": 2}
    assert (facts["fetch"], facts["how"]["reference"]) == (FETCH, "s3-archive")
    assert FETCH in (exporter.folder / "out/datasheet.md").read_text()


async def test_store_without_notes_is_asked_for_the_keys_of_its_layout(exporter: Exporter, hub: Any) -> None:
    await hub.writer.change(lambda connection: connection.execute(delete(deliveries)) and None)
    await exporter.export("manifest")
    assert len(addresses_in(exporter.folder / "out", "manifest")) == 4


@pytest.mark.parametrize("name", ["manifest", "coco"])
async def test_same_events_give_the_same_bytes(exporter: Exporter, name: str) -> None:
    made = []
    for target in ("1", "2"):
        await exporter.export(name, target)
        root = exporter.folder / target
        made.append({str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    assert made[0] == made[1]
    assert len(made[0]) >= 5


@pytest.mark.parametrize("name", ["manifest", "coco"])
async def test_set_without_its_pictures_says_how_to_fetch_them(exporter: Exporter, name: str) -> None:
    await exporter.export(name)
    source, target = str(exporter.folder / "out"), str(exporter.folder / "new")
    checked = await exporter.dataset("check", source, "--json")
    (finding,) = json.loads(checked.stdout)["findings"]
    assert (checked.exit_code, finding["code"], finding["effect"]) == (0, "picture_in_s3", "noted")
    assert finding["said"].endswith(FETCH)
    converted = await exporter.dataset("convert", source, target, "--format", "voc")
    assert (converted.exit_code, converted.stderr.count("\n")) == (1, 1)
    assert converted.stderr.endswith(f"4 pictures are in S3, not here; in this folder, fetch: {FETCH}\n")


@pytest.mark.parametrize("name", ["manifest", "coco"])
async def test_fetched_pictures_are_found_with_their_provenance(
    exporter: Exporter, s3: Any, name: str
) -> None:
    await exporter.export(name)
    root = exporter.folder / "out"
    addresses = addresses_in(root, name)
    await fetch(s3, root, addresses)
    _, dataset, findings = read_dataset(root)
    assert (findings, len(dataset.samples)) == ([], 4)
    assert {one.provenance["reference"] for one in dataset.samples} == set(addresses)
    assert {len(one.objects) for one in dataset.samples} == {1}


async def fetch(s3: Any, root: Path, addresses: list[str]) -> None:
    """Do what `aws s3 sync` does with the folders that it is told."""
    for address in addresses:
        key = address.removeprefix("s3://archive/")
        body = (await s3.get_object(Bucket="archive", Key=key))["Body"]
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        async with body:
            (root / key).write_bytes(await body.read())


async def test_picture_that_was_not_fetched_with_the_others_is_missing(exporter: Exporter, s3: Any) -> None:
    await exporter.export("manifest")
    addresses = addresses_in(exporter.folder / "out", "manifest")
    await fetch(s3, exporter.folder / "out", addresses[1:])
    _, dataset, (finding,) = read_dataset(exporter.folder / "out")
    assert (len(dataset.samples), finding.code) == (3, "picture_missing")
    assert finding.said == f"is in S3 and not here: {addresses[0]}"


@pytest.mark.parametrize(
    ("name", "by", "more", "said"),
    [
        (
            "yolo",
            "s3-archive",
            (),
            "format 'yolo' does not name pictures in S3; --reference needs manifest or coco",
        ),
        ("coco", "s3-archive", ("--copy",), "--reference leaves pictures where they are"),
        ("coco", "none", (), "plugins.none: there is no such table in hub.toml"),
        ("coco", "tweet", (), "plugins.tweet: is no s3-archive"),
        ("coco", "local", (), "plugins.local: is a folder; --reference needs an archive with `bucket`"),
    ],
)
async def test_export_that_cannot_name_pictures_is_refused_in_one_line(
    tmp_path: Path, name: str, by: str, more: tuple[str, ...], said: str
) -> None:
    done = await Exporter(tmp_path, tmp_path, {"bucket": "archive"}).export(name, "out", *more, by=by)
    assert (done.exit_code in {1, 2}, done.stderr.count("\n")) == (True, 1)
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


async def test_bucket_that_cannot_be_reached_is_one_line(
    hub: Any, events: list[Any], s3: Any, free_port: int
) -> None:
    table = {"bucket": "archive", "endpoint_url": f"http://127.0.0.1:{free_port}"}
    done = await Exporter(hub.data_dir, hub.data_dir, table).export("coco")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "Could not connect" in done.stderr
