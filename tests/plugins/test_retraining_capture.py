"""The sampler through the real store: what is captured once, within limits, and no picture twice."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import insert, select

from hub.event import Box, Detection, Model
from hub.store.captures import REJECTED
from hub.store.schema import captures, reviews
from hub.testing import FAULTS, make_event
from hub.testing.fixture import run_plugin

__all__ = ["run_plugin"]

THUMB = Detection(
    label="thumbs-up", confidence=0.93, box=Box(left=0.25, top=0.25, width=0.25, height=0.5), class_id=0
)
KEEP_ALL = {"random": {"share": 1.0}}


def paint(seed: int) -> bytes:
    """Return a JPEG of coarse noise: another seed gives a picture that is not alike."""
    cells = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(cells, (320, 180), interpolation=cv2.INTER_CUBIC))[1].tobytes()


async def rows(hub: Any) -> list[Any]:
    return await hub.log.ask(lambda connection: connection.execute(select(captures)).all())


def seen(label: str, confidence: float = 0.9) -> tuple[Detection, ...]:
    return (Detection(label=label, confidence=confidence),)


async def burst(hub: Any, count: int, table: dict[str, Any], **members: Any) -> list[Any]:
    """Store so many different pictures and deliver them all at once; return the verdicts."""
    stored = [await hub.store(paint(seed), **members) for seed in range(count)]
    async with hub.running("retraining", **table) as retraining:
        return list(await asyncio.gather(*(hub.deliver(retraining, event) for event in stored)))


def outcomes(verdicts: list[Any]) -> list[str]:
    return [verdict.outcome for verdict in verdicts]


async def test_captured_event_has_a_row_files_and_provenance(hub: Any) -> None:
    event = await hub.store(paint(1), model=Model(name="thumbs", version="3"))
    async with hub.running("retraining", random={"share": 1.0}, confident={"share": 1.0}) as retraining:
        verdict = await hub.deliver(retraining, event)
    assert verdict.outcome == "done", verdict
    assert (
        verdict.note
        == "training_annotation/retrain_Seattle01_20180816-183152_1.json: confident, random (0.93)"
    )
    (row,) = await rows(hub)
    assert (row.plugin, row.event_id, row.device, row.label) == ("retraining", 1, "Seattle01", "thumbs-up")
    assert (row.reasons, row.score, len(row.likeness)) == (["confident", "random"], 0.93, 32)
    provenance = json.loads(
        (hub.data_dir / "training/provenance/retrain_Seattle01_20180816-183152_1.json").read_bytes()
    )
    assert (
        provenance
        | {
            "event": 1,
            "device": "Seattle01",
            "model": {"name": "thumbs", "version": "3"},
            "chosen": ["confident", "random"],
            "score": 0.93,
            "likeness": row.likeness.hex(),
        }
        == provenance
    )


async def test_retraining_without_a_strategy_captures_nothing(hub: Any) -> None:
    assert outcomes(await burst(hub, 2, {})) == ["done", "done"]
    assert await rows(hub) == []
    assert not (hub.data_dir / "training/provenance").exists()


async def test_delivering_again_changes_nothing(hub: Any) -> None:
    event = await hub.store(paint(1))
    table = {**KEEP_ALL, "limits": {"day": 1}}
    notes, found = [], []
    for _ in range(2):  # as after a crash: another instance on the same store
        async with hub.running("retraining", **table) as retraining:
            notes.append((await hub.deliver(retraining, event)).note)
        found.append(await rows(hub))
        hub.now += timedelta(minutes=1)
    assert notes[0] == notes[1]
    assert found[0] == found[1]


async def test_attempt_after_a_crash_writes_what_was_captured_though_nothing_wants_it_now(hub: Any) -> None:
    event = await hub.store(paint(1))
    async with hub.running("retraining", **KEEP_ALL) as retraining:
        (hub.data_dir / "training").write_text("in the way")
        assert (await hub.deliver(retraining, event)).outcome == "retrying"
    (hub.data_dir / "training").unlink()
    async with hub.running("retraining", negative={}) as retraining:
        verdict = await hub.deliver(retraining, event, 2)
    assert (verdict.outcome, len(await rows(hub))) == ("done", 1)


@pytest.mark.parametrize(
    ("setting", "limit", "labels", "devices", "captured"),
    [
        ("limits", 3, 1, 1, 3),
        ("limits", 3, 2, 2, 3),
        ("label_limits", 2, 3, 1, 6),
        ("label_limits", 2, 1, 2, 2),
        ("device_limits", 2, 1, 2, 4),
        ("device_limits", 2, 2, 1, 2),
    ],
)
async def test_limits_hold_for_deliveries_at_once(
    hub: Any, setting: str, limit: int, labels: int, devices: int, captured: int
) -> None:
    stored = [
        await hub.store(
            paint(number),
            device=f"cam{number % devices}",
            detections=seen(f"label{number // devices % labels}"),
        )
        for number in range(12)
    ]
    async with hub.running("retraining", **KEEP_ALL, **{setting: {"hour": limit}}) as retraining:
        verdicts = await asyncio.gather(*(hub.deliver(retraining, event) for event in stored))
    assert outcomes(verdicts).count("done") == captured == len(await rows(hub))
    (reason,) = {v.reason.split(" is used up")[0].split(" of ")[0] for v in verdicts if v.outcome != "done"}
    assert reason == f"random wanted it; {setting}.hour"


@pytest.mark.parametrize(("period", "seconds"), [("minute", 60), ("hour", 3600), ("day", 86_400)])
async def test_limit_lets_in_again_when_its_period_is_over(hub: Any, period: str, seconds: int) -> None:
    table = {**KEEP_ALL, "limits": {period: 1}}
    found = []
    for number, later_s in enumerate((0, seconds - 1, 1)):
        hub.now += timedelta(seconds=later_s)
        event = await hub.store(paint(number))
        async with hub.running("retraining", **table) as retraining:  # a restart forgets nothing
            found.append(await hub.deliver(retraining, event))
    assert outcomes(found) == ["done", "skipped", "done"]
    used_up = f"random wanted it; limits.{period} is used up: 1 of 1 within the {period}"
    assert found[1].reason == used_up


async def test_limit_of_a_label_counts_pictures_without_one_by_themselves(hub: Any) -> None:
    table = {"random": {"share": 1.0}, "negative": {"share": 1.0}, "label_limits": {"day": 1}}
    assert sorted(outcomes(await burst(hub, 3, table, detections=()))) == ["done", "skipped", "skipped"]


async def test_picture_that_is_nearly_another_is_dropped_also_after_a_restart(hub: Any) -> None:
    first, again = await hub.store(paint(1)), await hub.store(paint(1))
    verdicts = []
    for event in (first, again):
        async with hub.running("retraining", **KEEP_ALL) as retraining:
            verdicts.append(await hub.deliver(retraining, event))
    assert outcomes(verdicts) == ["done", "skipped"]
    said = "random wanted it; its picture is nearly that of event 1 (0 of 256 bits differ)"
    assert verdicts[1].reason == said


async def test_alike_pictures_delivered_at_once_are_captured_once(hub: Any) -> None:
    stored = [await hub.store(paint(1)) for _ in range(8)]
    async with hub.running("retraining", **KEEP_ALL) as retraining:
        verdicts = await asyncio.gather(*(hub.deliver(retraining, event) for event in stored))
    assert outcomes(verdicts).count("done") == 1


async def test_alike_pictures_of_other_devices_are_not_compared(hub: Any) -> None:
    stored = [await hub.store(paint(1), device=device) for device in ("one", "two")]
    async with hub.running("retraining", **KEEP_ALL) as retraining:
        assert outcomes([await hub.deliver(retraining, event) for event in stored]) == ["done", "done"]


async def test_only_so_many_earlier_captures_are_compared(hub: Any) -> None:
    table = {**KEEP_ALL, "duplicates": {"among": 1}}
    stored = [await hub.store(paint(seed)) for seed in (1, 2, 1, 1)]
    async with hub.running("retraining", **table) as retraining:
        found = []
        for event in stored:
            found.append(await hub.deliver(retraining, event))
            hub.now += timedelta(seconds=1)
    assert outcomes(found) == ["done", "done", "done", "skipped"]


async def test_event_that_no_strategy_wants_says_so(hub: Any) -> None:
    (verdict,) = await burst(hub, 1, {"near_threshold": {}})
    assert (verdict.outcome, verdict.reason) == ("skipped", "no strategy wants it")


@pytest.mark.parametrize(("review", "outcome"), [("accepted", "skipped"), ("open", "done"), (["x"], "done")])
async def test_event_that_a_person_reviewed_is_not_captured_any_more(
    hub: Any, review: Any, outcome: str
) -> None:
    (verdict,) = await burst(hub, 1, KEEP_ALL, attributes={"review": review})
    assert verdict.outcome == outcome
    assert verdict.reason == ("a person has reviewed it" if outcome == "skipped" else "")


async def test_frame_that_is_no_picture_is_not_captured(hub: Any) -> None:
    event = await hub.store(b"\xff\xd8\xff\xd9")
    async with hub.running("retraining", **KEEP_ALL) as retraining:
        verdict = await hub.deliver(retraining, event)
    assert verdict.outcome == "dead"
    assert await rows(hub) == []


async def test_rare_label_is_captured_and_a_frequent_one_is_not(hub: Any) -> None:
    for _ in range(19):
        await hub.store(None, detections=seen("fist"))
    rare = await hub.store(paint(1), detections=(*seen("fist"), *seen("palm")))
    frequent = await hub.store(paint(2), detections=seen("fist"))
    async with hub.running("retraining", rare={"below": 0.1, "among": 20}) as retraining:
        verdicts = [await hub.deliver(retraining, event) for event in (rare, frequent)]
    assert outcomes(verdicts) == ["done", "skipped"]
    (row,) = await rows(hub)
    assert (row.label, row.reasons, row.score) == ("palm", ["rare"], 0.5)


async def test_what_two_models_see_otherwise_in_one_picture_is_captured(hub: Any) -> None:
    one, other = Model(name="one", version="1"), Model(name="other", version="1")
    await hub.store(paint(1), model=one, detections=seen("fist"))
    differs = await hub.store(paint(1), model=other, detections=seen("palm", 0.7))
    agrees = await hub.store(paint(1), model=Model(name="one", version="2"), detections=seen("fist"))
    await hub.store(paint(2), model=one, detections=seen("fist"))
    alone = await hub.store(paint(3), model=one, detections=seen("fist"))
    async with hub.running("retraining", disagree={}) as retraining:
        verdicts = [await hub.deliver(retraining, event) for event in (differs, alone, agrees)]
    assert outcomes(verdicts) == ["done", "skipped", "skipped"]
    assert verdicts[2].reason.startswith("disagree wanted it; its picture is nearly that of event 2")


async def reject(hub: Any, event: Any, **members: Any) -> None:
    row = {"event_id": event.id, "reviewer": "ann", "verdict": REJECTED, "note": "", "made_at": hub.now}
    await hub.writer.change(lambda connection: connection.execute(insert(reviews), row | members))


async def test_label_of_a_device_that_was_rejected_lately_is_captured_again(hub: Any) -> None:
    wrong = await hub.store(paint(1), detections=seen("fist"))
    await reject(hub, wrong)
    again = await hub.store(paint(2), detections=seen("fist"))
    elsewhere = await hub.store(paint(3), device="Chicago01", detections=seen("fist"))
    other = await hub.store(paint(4), detections=seen("palm"))
    hub.now += timedelta(days=8)
    late = await hub.store(paint(5), detections=seen("fist"))
    late = late.model_copy(update={"received_at": hub.now})
    async with hub.running("retraining", rejected={"days": 7}) as retraining:
        verdicts = [await hub.deliver(retraining, event) for event in (again, elsewhere, other, late)]
    assert outcomes(verdicts) == ["done", "skipped", "skipped", "skipped"]


async def test_rejection_that_was_taken_back_does_not_count(hub: Any) -> None:
    one, two = [await hub.store(paint(seed), detections=seen("fist")) for seed in (1, 2)]
    await reject(hub, one, undone_at=hub.now)
    await reject(hub, two)
    await reject(hub, two, verdict="accepted")
    (verdict,) = await burst(hub, 1, {"rejected": {}}, detections=seen("fist"))
    assert verdict.reason == "no strategy wants it"


async def test_picture_like_a_rejected_one_is_captured(hub: Any) -> None:
    async with hub.running("retraining", **KEEP_ALL) as retraining:
        wrong = await hub.store(paint(1), detections=seen("fist"))
        await hub.deliver(retraining, wrong)
    await reject(hub, wrong)
    like = await hub.store(paint(1), detections=seen("palm"))
    unlike = await hub.store(paint(2), detections=seen("palm"))
    table = {"rejected": {}, "duplicates": {"among": 0}}
    async with hub.running("retraining", **table) as retraining:
        verdicts = [await hub.deliver(retraining, event) for event in (like, unlike)]
    assert outcomes(verdicts) == ["done", "skipped"]


async def test_picture_of_nothing_becomes_a_negative(hub: Any) -> None:
    (verdict,) = await burst(hub, 1, {"negative": {"share": 1.0}}, detections=())
    annotation = json.loads((hub.data_dir / "training" / verdict.note.split(": ")[0]).read_bytes())
    assert annotation["annotations"] == annotation["categories"] == []


async def test_miss_is_not_annotated_as_a_picture_of_nothing(hub: Any) -> None:
    told = {"threshold": 0.5, "candidates": [{"label": "fist", "confidence": 0.45}]}
    (verdict,) = await burst(hub, 1, {"negative": {"share": 0}}, detections=(), attributes=told)
    assert verdict.note == "provenance/retrain_Seattle01_20180816-183152_1.json: negative (0.50)"
    assert not (hub.data_dir / "training/training_annotation").exists()
    (row,) = await rows(hub)
    assert row.label == "fist"


@pytest.mark.parametrize("fault", FAULTS)
async def test_event_is_captured_once_whatever_goes_wrong_around_it(run_plugin: Any, fault: Any) -> None:
    async with run_plugin("retraining", random={"share": 1.0}, rare={}, rejected={}, disagree={}) as stage:
        attempts = await stage.deliver(make_event("person"), paint(1), fault=fault)
        assert attempts[-1].outcome == "done", attempts
        files = [path for path in (stage.data_dir / "training").rglob("*") if path.is_file()]
        again = await stage.deliver(make_event("person"), paint(1))
    assert sorted(path.suffix for path in files) == [".jpg", ".jpg", ".json", ".json", ".json"]
    assert "nearly that of event 1" in again[-1].reason


async def test_training_set_in_a_bucket_is_that_of_the_folder(hub: Any, s3: Any, s3_server: str) -> None:
    event = await hub.store(paint(1))
    bucket = {"bucket": "archive", "prefix": "set/", "endpoint_url": s3_server, "region": "us-east-1"}
    notes = []
    for place in (bucket, bucket, {}):  # twice, as after a crash
        async with hub.running("retraining", **KEEP_ALL, **place) as retraining:
            verdict = await hub.deliver(retraining, event)
            assert verdict.outcome == "done", verdict
            notes.append(verdict.note)
    assert len(set(notes)) == 1
    folder = hub.data_dir / "training"
    kept = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    listed = (await s3.list_objects_v2(Bucket="archive"))["Contents"]
    assert {item["Key"].removeprefix("set/") for item in listed} == set(kept)
    for key, data in kept.items():
        found = await s3.get_object(Bucket="archive", Key=f"set/{key}")
        async with found["Body"] as body:
            assert await body.read() == data
    label = {"labels": ["fist"], **bucket}
    async with hub.running("retraining", **KEEP_ALL, **label) as retraining:
        other = await hub.store(paint(2), detections=(THUMB.model_copy(update={"class_id": None}),))
        assert (await hub.deliver(retraining, other)).outcome == "done"


async def test_bucket_that_is_not_there_says_so_and_the_capture_waits(
    hub: Any, s3: Any, s3_server: str
) -> None:
    event = await hub.store(paint(1))
    table = {"bucket": "nowhere", "endpoint_url": s3_server, "region": "us-east-1"}
    async with hub.running("retraining", **KEEP_ALL, **table) as retraining:
        verdict = await hub.deliver(retraining, event)
    assert verdict.outcome == "retrying"
    assert "s3://nowhere: NoSuchBucket (make the bucket, or correct `bucket`)" in verdict.reason
    assert len(await rows(hub)) == 1
