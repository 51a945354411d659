"""Import into a store: exact, once, and what cannot be used is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hub.dataset.arrivals import Brought, bring
from hub.dataset.box import Box
from hub.dataset.choice import Choice, choose
from hub.dataset.convert import Target
from hub.dataset.division import Division
from hub.dataset.export import export_dataset
from hub.dataset.finding import DatasetError
from hub.dataset.formats import read_dataset, write_dataset
from hub.dataset.output import Output
from hub.dataset.sample import FLAGS, Object


@pytest.fixture
async def store(make_store, tmp_path):
    opened = make_store(tmp_path / "data")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def root(dataset, tmp_path: Path) -> Path:
    """The set as COCO, with flags and boxes between pixels."""
    flagged = Object("thumbs-up", Box(1.25, 2.0, 3.0, 4.000001), frozenset(FLAGS), "Left")
    first, *others = dataset.samples
    captured = {"captured_at": "2026-11-20T10:00:00+00:00", "event": 7}
    samples = (replace(first, objects=(flagged, *first.objects), provenance=captured), *others)
    write_dataset(replace(dataset, samples=samples), "coco", Output(tmp_path / "coco"))
    return tmp_path / "coco"


async def test_set_comes_out_of_the_store_as_it_went_in(store, root, tmp_path):
    lines = await bring(Brought(root, "office"), store.writer, store.engine)
    assert lines == ["4 pictures stored as reviewed events of office, 0 were there already"]
    chosen = await choose(store.log, Choice())
    export_dataset(chosen, store.frames, Target(tmp_path / "out", "coco"), Division(), {})
    back = {one.picture.read_bytes(): one.objects for one in read_dataset(tmp_path / "out")[1].samples}
    before = {one.picture.read_bytes(): one.objects for one in read_dataset(root)[1].samples}
    assert back == before


async def test_set_that_comes_again_adds_nothing(store, root):
    await bring(Brought(root, "office"), store.writer, store.engine)
    lines = await bring(Brought(root, "office"), store.writer, store.engine)
    assert lines == ["0 pictures stored as reviewed events of office, 4 were there already"]
    assert (await store.log.newest_id(), store.sql("SELECT count(*) FROM quarantine")) == (4, [(0,)])


async def test_event_tells_when_and_from_which_file(store, root):
    await bring(Brought(root, "office"), store.writer, store.engine)
    events = {event.attributes["file"]: event for event in await store.log.after(0, 10)}
    one = events["train/one.jpg"]
    assert (one.device, one.source, one.captured_at.isoformat()) == (
        "office",
        "dataset",
        "2026-11-20T10:00:00+00:00",
    )
    assert (one.attributes["review"], one.attributes["reviewed_by"]) == ("accepted", "dataset")


async def test_set_with_errors_is_not_stored_unless_it_is_repaired(store, root):
    (root / "images/train/one.jpg").unlink()
    with pytest.raises(DatasetError, match=r"images\[0\]: picture_missing: there is no picture 'one.jpg'"):
        await bring(Brought(root, "office"), store.writer, store.engine)
    assert await store.log.newest_id() == 0
    lines = await bring(Brought(root, "office", repair=True), store.writer, store.engine)
    assert lines[0].startswith("3 pictures stored")
    assert "picture_missing" in lines[1]


async def test_picture_that_the_hub_does_not_take_is_said(store, root):
    large = cv2.resize(np.zeros((2, 2), np.uint8), (8000, 6000))
    cv2.imwrite(str(root / "images/train/large.png"), large)
    path = root / "annotations/instances_train.json"
    path.write_text(
        path.read_text().replace(
            '"images":[', '"images":[{"id":9,"file_name":"large.png","width":8000,"height":6000},'
        )
    )
    lines = await bring(Brought(root, "office"), store.writer, store.engine)
    assert lines[0].startswith("4 pictures stored")
    assert lines[1].startswith("train/large.png: picture_refused: picture_too_many_pixels")
