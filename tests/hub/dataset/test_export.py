"""Export of a store: what is reviewed, the same bytes each time, and what the datasheet says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.dataset.choice import Choice, choose
from hub.dataset.convert import Target
from hub.dataset.division import Division
from hub.dataset.export import export_dataset
from hub.dataset.finding import DatasetError
from hub.dataset.formats import WRITTEN, read_dataset
from hub.decode.limits import Limits
from hub.decode.picture import describe_picture
from hub.event import Box, Detection, Model
from hub.store.captures import Capture, add_capture
from hub.wire.png import SIGNATURE

BOX = Box(left=0.25, top=0.5, width=0.5, height=0.75)  # reaches over the lower edge


@pytest.fixture
async def store(make_store, tmp_path, make_picture, arrivals, soon):
    """Eight events: 1 to 5 accepted (3 a negative), 6 rejected, 7 unreviewed, 8 without a frame."""
    opened = make_store(tmp_path / "data")
    await opened.open()
    for number in range(1, 9):
        data = make_picture(f"{number}.jpg", 64, 48, number).read_bytes()
        frame = describe_picture(data, Limits()) if number < 8 else None
        seen = () if number == 3 else (Detection(label=f"c{number % 2}", confidence=0.5, box=BOX),)
        members = {"captured_at": arrivals.event().captured_at + timedelta(minutes=number), "frame": frame}
        model = Model(name="m", version="1")
        event = arrivals.event(f"cam{number % 2}", key=f"k{number}", detections=seen, model=model, **members)
        await soon(opened.add(arrivals.plain(event, picture=data if frame else None)))
        if number < 7:
            review = {"review": "accepted" if number < 6 else "rejected", "reviewed_by": "ann"}
            said = event.model_copy(update={"kind": "amendment", "attributes": review})
            await soon(opened.add(arrivals.plain(said)))
    yield opened
    await opened.close()


async def export(store: Any, target: Path, name: str = "coco", choice: Choice = Choice(), **more: Any) -> Any:  # noqa: B008 - frozen
    chosen = await choose(store.log, choice)
    return export_dataset(
        chosen, store.frames, Target(target, name), Division((0.6, 0.4)), {"seed": 0}, **more
    )


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_only_what_was_reviewed_is_exported(store, tmp_path):
    made = await export(store, tmp_path / "out")
    _, dataset, findings = read_dataset(tmp_path / "out")
    assert sorted(one.provenance["event"] for one in dataset.samples) == [1, 3, 5, 7, 9]
    assert [one for one in findings if one.is_error] == []
    assert made.facts["left_out"] == {"not reviewed": 1, "rejected in review": 1, "without a picture": 1}


async def test_what_nobody_reviewed_is_exported_where_it_is_asked_for_but_nothing_rejected(store, tmp_path):
    made = await export(store, tmp_path / "out", choice=Choice(unreviewed=True, negatives=False))
    found = sorted(one.provenance["event"] for one in made.dataset.samples)
    assert found == [1, 3, 7, 9, 13]


async def test_datasheet_says_why_a_plugin_captured_what_nobody_reviewed(store, tmp_path):
    captured = [Capture("retraining", number, "cam", ("rare", "random")) for number in (13, 1)]
    for one in captured:
        await store.writer.change(partial(add_capture, wanted=one, now=datetime.now(UTC)))
    made = await export(store, tmp_path / "out", choice=Choice(unreviewed=True))
    assert made.facts["chosen"] == {"none": 4, "rare, random": 2}


@pytest.mark.parametrize("name", WRITTEN)
async def test_same_events_and_options_give_the_same_bytes(store, tmp_path, name):
    await export(store, tmp_path / "1", name)
    await export(store, tmp_path / "2", name)
    first = bytes_of(tmp_path / "1")
    assert first == bytes_of(tmp_path / "2")
    assert len(first) >= 7


@pytest.mark.parametrize("name", WRITTEN)
async def test_exported_set_is_found_again_without_a_finding(store, tmp_path, name):
    made = await export(store, tmp_path / "out", name)
    found, dataset, findings = read_dataset(tmp_path / "out")
    assert (found, findings, len(dataset.samples)) == (name, [], len(made.dataset.samples))


async def test_box_is_in_pixels_and_cut_off_at_the_edge(store, tmp_path):
    made = await export(store, tmp_path / "out")
    (found,) = made.dataset.samples[0].objects
    assert found.box.corners == (16, 24, 48, 48)


async def test_device_and_time_narrow_what_is_exported(store, tmp_path, arrivals):
    start = arrivals.event().captured_at
    choice = Choice("cam1", start + timedelta(minutes=2), start + timedelta(minutes=5))
    made = await export(store, tmp_path / "out", choice=choice)
    assert [one.provenance["event"] for one in made.dataset.samples] == [5]


async def test_datasheet_says_what_from_where_and_how(store, tmp_path):
    await export(store, tmp_path / "out", known={"c0": "down", "c1": "up"})
    facts = json.loads((tmp_path / "out/datasheet.json").read_text())
    assert sum(facts["pictures"].values()) == 5
    assert {name: sum(row.values()) for name, row in facts["classes"].items()} == {"down": 2, "up": 2}
    assert (facts["devices"], facts["models"]) == ({"cam1": 3, "cam0": 2}, {"m 1": 5})
    assert (facts["review"], facts["reviewers"]) == ({"accepted": 5}, {"ann": 5})
    text = (tmp_path / "out/datasheet.md").read_text()
    assert "5 pictures, captured from 2026-11-21T12:01:00+00:00 to 2026-11-21T12:05:00+00:00" in text
    assert (tmp_path / "out/datasheet.png").read_bytes().startswith(SIGNATURE)
    assert "down  ████████████████████████████████████████ 2" in text


async def test_picture_that_is_gone_is_left_out_and_counted(store, tmp_path):
    chosen = await choose(store.log, Choice())
    store.frames.path(chosen.events[0].device, chosen.events[0].frame).unlink()
    made = await export(store, tmp_path / "out")
    assert (len(made.dataset.samples), made.facts["left_out"]["whose picture is gone or damaged"]) == (4, 1)


async def test_nothing_to_export_is_an_error_that_says_why(store, tmp_path):
    with pytest.raises(DatasetError, match="nothing to export: of the events, 1 not reviewed"):
        await export(store, tmp_path / "out", choice=Choice(since=store_end(store)))
    assert not (tmp_path / "out").exists()


def store_end(store: Any) -> Any:
    from datetime import UTC, datetime

    (moment,) = store.sql("SELECT captured_at FROM events WHERE id = 13")[0]
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


async def test_class_that_the_map_does_not_name_is_an_error(store, tmp_path):
    with pytest.raises(DatasetError, match="the map has no 'c0'; name what the class becomes"):
        await export(store, tmp_path / "out", known={"c1": "up"})


@pytest.mark.parametrize("name", WRITTEN)
async def test_label_that_no_file_can_hold_is_left_out_and_counted(store, tmp_path, name):
    chosen = await choose(store.log, Choice())
    old = chosen.events[0]
    seen = Detection.model_construct(label="c\ufffe", confidence=0.5, box=BOX, attributes={})
    events = (old.model_copy(update={"detections": (seen,)}), *chosen.events[1:])
    chosen = replace(chosen, events=events)
    made = export_dataset(chosen, store.frames, Target(tmp_path / "out", name), Division((0.6, 0.4)), {})
    _, dataset, findings = read_dataset(tmp_path / "out")
    assert made.facts["left_out"][f"that {name} has no place for"] == 1 + (name == "imagefolder")
    assert (findings, len(dataset.samples)) == ([], len(made.dataset.samples))
