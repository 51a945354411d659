"""Training data: annotations that enclose what they name, in pictures of the model's input size."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from hub.event import Box, Detection

STEM = "Seattle01_20180816-183152_1"
RED, BLUE = (0, 0, 255), (255, 0, 0)
FRAMES = {"16:9": (1280, 720), "4:3": (640, 480), "portrait": (720, 1280), "square": (300, 300)}
INPUTS = {"wide": (640, 360), "square": (512, 512), "small": (192, 192)}
BOXES = {
    "thumbs-up": (RED, Box(left=0.1, top=0.2, width=0.3, height=0.5)),
    "fist": (BLUE, Box(left=0.55, top=0.35, width=0.4, height=0.45)),
}


def paint(width: int, height: int) -> bytes:
    """Return a lossless picture with one rectangle of its colour for each box."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    for colour, box in BOXES.values():
        xmin, ymin, xmax, ymax = (round(edge) for edge in box.corners_in(width, height))
        pixels[ymin:ymax, xmin:xmax] = colour
    return cv2.imencode(".png", pixels)[1].tobytes()


def seen(*labels: str, class_ids: bool = False) -> tuple[Detection, ...]:
    return tuple(
        Detection(label=label, confidence=0.9, box=BOXES[label][1], class_id=number if class_ids else None)
        for number, label in enumerate(labels)
    )


def coloured(pixels: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of the pixels that are near a colour."""
    near = np.abs(pixels.astype(int) - colour).max(axis=2) < 70
    rows, columns = np.nonzero(near.any(axis=1))[0], np.nonzero(near.any(axis=0))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Return the intersection over union of two rectangles."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


async def annotate(hub: Any, event: Any, **table: Any) -> Any:
    async with hub.running("retraining", **table) as retraining:
        verdict = await hub.deliver(retraining, event)
    assert verdict.outcome == "done", verdict
    return json.loads((hub.data_dir / "training" / verdict.note).read_bytes())


async def refuse(hub: Any, event: Any) -> tuple[str, str]:
    async with hub.running("retraining") as retraining:
        verdict = await hub.deliver(retraining, event)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize("size", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("model", INPUTS.values(), ids=INPUTS)
async def test_annotation_encloses_what_it_names(
    hub: Any, size: tuple[int, int], model: tuple[int, int]
) -> None:
    attributes = {"input_width": model[0], "input_height": model[1]}
    event = await hub.store(paint(*size), size, detections=seen(*BOXES), attributes=attributes)
    annotation = await annotate(hub, event)
    pixels = cv2.imread(str(hub.data_dir / "training/raw_images" / annotation["file"]))
    assert pixels.shape == (model[1], model[0], 3)
    assert annotation["image_size"] == [{"width": model[0], "height": model[1], "depth": 3}]
    for item, (colour, _) in zip(annotation["annotations"], BOXES.values(), strict=True):
        box = (item["left"], item["top"], item["left"] + item["width"], item["top"] + item["height"])
        assert overlap(box, coloured(pixels, colour)) > 0.9


async def test_annotation_has_the_published_layout(hub: Any) -> None:
    event = await hub.store(paint(640, 480), (640, 480), detections=seen("thumbs-up"))
    annotation = await annotate(hub, event)
    folder = hub.data_dir / "training"
    assert annotation == {
        "file": f"retrain_{STEM}.jpg",
        "image_size": [{"width": 512, "height": 512, "depth": 3}],
        "annotations": [{"class_id": 0, "left": 51, "top": 141, "width": 154, "height": 192}],
        "categories": [{"class_id": 0, "name": "thumbs-up"}],
    }
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        f"raw_images/retrain_{STEM}.jpg",
        f"frames_resized/resized_{STEM}.jpg",
        f"training_annotation/retrain_{STEM}.json",
        "classes.json",
    }


async def test_resized_frame_shows_the_box_and_the_raw_one_does_not(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    await annotate(hub, event)
    folder = hub.data_dir / "training"
    raw = cv2.imread(str(folder / f"raw_images/retrain_{STEM}.jpg"))
    boxed = cv2.imread(str(folder / f"frames_resized/resized_{STEM}.jpg"))
    left_edge = (256, 128)
    assert boxed[left_edge][1] > 150 > raw[left_edge][1]


async def test_retraining_twice_gives_the_same_bytes(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    found = []
    for _ in range(2):
        await annotate(hub, event)
        files = sorted(path for path in (hub.data_dir / "training").rglob("*") if path.is_file())
        found.append([(path.name, path.read_bytes()) for path in files])
    assert found[0] == found[1]


async def test_retraining_takes_the_size_that_is_set(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture, attributes={"input_width": 192, "input_height": 192})
    annotation = await annotate(hub, event, width=320, height=240)
    assert annotation["image_size"] == [{"width": 320, "height": 240, "depth": 3}]


@pytest.mark.parametrize("lie", [True, "192", -1, 0, 10**12, None, 1.5])
async def test_retraining_falls_back_when_the_device_names_no_size(
    hub: Any, picture: bytes, lie: Any
) -> None:
    event = await hub.store(picture, attributes={"input_width": lie, "input_height": 192})
    annotation = await annotate(hub, event)
    assert annotation["image_size"] == [{"width": 512, "height": 512, "depth": 3}]


async def test_annotation_clips_boxes_to_the_frame_and_drops_what_is_outside(
    hub: Any, picture: bytes
) -> None:
    boxes = [
        Box(left=-0.5, top=-1, width=1, height=3),
        Box(left=2, top=0, width=1, height=1),
        Box(left=0.5, top=0.5, width=0, height=0),
        Box(left=1e6, top=-1e6, width=1e6, height=1e6),
    ]
    found = tuple(Detection(label="x", confidence=0.5, box=box) for box in [*boxes, None])
    event = await hub.store(picture, detections=found)
    annotation = await annotate(hub, event, width=320, height=320)
    assert annotation["annotations"] == [{"class_id": 0, "left": 0, "top": 70, "width": 160, "height": 180}]


async def test_class_ids_of_the_model_come_first(hub: Any) -> None:
    found = tuple(d.model_copy(update={"class_id": 7}) for d in seen("fist"))
    event = await hub.store(paint(640, 480), (640, 480), detections=found)
    annotation = await annotate(hub, event, labels=["fist"])
    assert annotation["categories"] == [{"class_id": 7, "name": "fist"}]


async def test_class_ids_follow_the_labels_of_the_settings(hub: Any) -> None:
    event = await hub.store(paint(640, 480), (640, 480), detections=seen("thumbs-up", "fist"))
    annotation = await annotate(hub, event, labels=["fist", "palm"])
    names = [{"class_id": 0, "name": "fist"}, {"class_id": 2, "name": "thumbs-up"}]
    assert annotation["categories"] == names


async def test_class_ids_of_first_sight_last_over_a_restart(hub: Any) -> None:
    first = await hub.store(paint(640, 480), (640, 480), detections=seen("fist"))
    second = await hub.store(paint(640, 480), (640, 480), detections=seen("thumbs-up", "fist"))
    await annotate(hub, first)
    annotation = await annotate(hub, second)
    names = [{"class_id": 0, "name": "fist"}, {"class_id": 1, "name": "thumbs-up"}]
    assert annotation["categories"] == names


async def test_class_ids_of_first_sight_avoid_those_of_the_model(hub: Any) -> None:
    event = await hub.store(paint(640, 480), (640, 480), detections=seen("fist", class_ids=True))
    await annotate(hub, event)
    other = await hub.store(paint(640, 480), (640, 480), detections=seen("thumbs-up"))
    annotation = await annotate(hub, other)
    assert annotation["categories"] == [{"class_id": 1, "name": "thumbs-up"}]


async def test_retraining_says_when_its_classes_were_spoilt(hub: Any, picture: bytes) -> None:
    classes = hub.data_dir / "training/classes.json"
    classes.parent.mkdir()
    classes.write_text("[1]")
    outcome, reason = await refuse(hub, await hub.store(picture))
    assert outcome == "retrying"
    assert f"{classes}: is not an object of label: class id" in reason


async def test_retraining_skips_what_shows_nothing(hub: Any, picture: bytes) -> None:
    without_box = (Detection(label="x", confidence=0.5),)
    assert await refuse(hub, await hub.store(None)) == ("skipped", "no frame")
    assert await refuse(hub, await hub.store(picture, detections=())) == ("skipped", "no detections")
    outcome, reason = await refuse(hub, await hub.store(picture, detections=without_box))
    assert (outcome, reason) == ("skipped", "no detection has a box inside the frame")


async def test_retraining_gives_up_on_a_frame_that_is_no_picture(hub: Any) -> None:
    outcome, reason = await refuse(hub, await hub.store(b"\xff\xd8\xff\xd9"))
    assert (outcome, reason) == ("dead", "the frame is no picture: cannot decode 4 bytes as a picture")


WRONG = {
    "half": ({"width": 512}, "set width and height, or neither"),
    "huge": ({"width": 512, "height": 99999}, "plugins.retraining.height: "),
    "limits alone": ({"limits": {"day": 5}}, "limits: need a strategy (rejected, disagree, near_threshold"),
    "likeness alone": (
        {"duplicates": {"bits": 5}, "threshold": 0.5},
        "duplicates, threshold: need a strategy",
    ),
    "share of nothing": ({"random": {"share": 0}}, "plugins.retraining.random.share: "),
    "no table": ({"rare": True}, "plugins.retraining.rare: "),
    "other strategy": ({"randon": {}}, "plugins.retraining.randon: unknown setting"),
    "twice": ({"labels": ["a", "b", "a"]}, "labels: a is there twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_retraining_settings_say_what_is_wrong(case: str, problems: Callable[..., tuple[str, ...]]) -> None:
    table, expected = WRONG[case]
    (found,) = problems("retraining", **table)
    assert expected in found
