"""Where objects lie: the published layout, the dated one, templates, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.event import Detection, Event, Frame
from plugins.archive_keys import Keys, KeyTemplates, batch_key

MOMENT = datetime(2018, 8, 16, 18, 31, 52, tzinfo=UTC)


def make_event(**members: Any) -> Event:
    values: dict[str, Any] = {
        "id": 7,
        "source": "mqtt",
        "device": "Seattle01",
        "captured_at": MOMENT,
        "received_at": MOMENT,
        "frame": Frame(digest="0" * 64, width=320, height=180, media_type="image/png"),
        "detections": (Detection(label="thumbs/up", confidence=0.9),),
    }
    return Event(**values | members)


def test_keys_of_the_published_layout() -> None:
    day, stem = "2018/08/16/Seattle01", "Seattle01_20180816-183152_7"
    assert KeyTemplates().complete("published").keys(make_event()) == Keys(
        f"raw_images/{day}/raw_{stem}.png", f"images/{day}/image_{stem}.jpg", f"json/{day}/record_{stem}.json"
    )


def test_keys_of_the_dated_layout_are_partitioned_by_day_and_device() -> None:
    place = "dt=2018-08-16/device=Seattle01/183152_7"
    assert KeyTemplates().complete("dated").keys(make_event()) == Keys(
        f"raw/{place}.png", f"boxed/{place}.jpg", f"records/{place}.json"
    )


def test_keys_of_an_event_without_frame_are_those_of_its_record() -> None:
    keys = KeyTemplates().complete("dated").keys(make_event(frame=None))
    assert (keys.raw, keys.boxed) == ("", "")


def test_keys_take_a_template_and_the_layouts_for_the_rest() -> None:
    templates = KeyTemplates.model_validate({"record": "{label}/{camera}/{event_id}"})
    keys = templates.complete("dated").keys(make_event(attributes={"camera": "../dör"}))
    assert keys.record == "thumbs_up/_d_r/7.json"
    assert keys.boxed.startswith("boxed/dt=")


@pytest.mark.parametrize("camera", ["..", ".", "/", "\u202e", "🙂" * 200, "a\nb"])
def test_keys_stay_harmless_whatever_a_camera_is_called(camera: str) -> None:
    templates = KeyTemplates.model_validate({"record": "by-camera/{camera}/{event_id}"})
    key = templates.complete("dated").keys(make_event(attributes={"camera": camera})).record
    assert key.isascii()
    assert not {"", ".", ".."} & set(key.split("/"))


WRONG = {
    "shared": ({"record": "{device}"}, "keys.record: needs {event_id}, or two events would share one object"),
    "absolute": ({"raw": "/{event_id}"}, "keys.raw: must be letters, digits"),
    "outside": ({"raw": "../{event_id}"}, "keys.raw: must be letters, digits"),
    "own": ({"raw": "latest/{event_id}"}, "keys.raw: latest/ is for what the archive itself keeps there"),
    "same": ({"raw": "{event_id}", "boxed": "{event_id}"}, "raw and boxed could be the same object"),
    "same device": (
        {"raw": "{device}/{event_id}", "boxed": "{camera}/{event_id}"},
        "raw and boxed could be the same object",
    ),
    "same folder": (
        {"raw": "{device}/{event_id}", "boxed": "images/{event_id}"},
        "raw and boxed could be the same object",
    ),
    "same year": (
        {"raw": "{time:%Y}/{event_id}", "boxed": "{label}/{event_id}"},
        "raw and boxed could be the same object",
    ),
    "padded": ({"record": "{label:/>9}/{event_id}"}, "keys.record: {label:/>9} pads"),
    "rounded": ({"record": "{event_id:g}"}, "keys.record: must set {event_id} apart"),
    "joined": ({"record": "{camera}{event_id}"}, "keys.record: must set {event_id} apart"),
    "in digits": ({"record": "1{event_id}"}, "keys.record: must set {event_id} apart"),
    "amid texts": ({"record": "{label}-{event_id}-{camera}"}, "keys.record: must set {event_id} apart"),
    "at a time": ({"record": "{time:%S}{event_id}"}, "keys.record: must set {event_id} apart"),
    "attribute": ({"raw": "{time.year}/{event_id}"}, "not a plain field"),
    "unknown": ({"pictures": "{event_id}"}, "unknown setting 'pictures'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_keys_say_what_is_wrong_with_a_template(case: str, problems: Callable[..., tuple[str, ...]]) -> None:
    table, expected = WRONG[case]
    (found,) = problems("s3-archive", keys=table)
    assert expected in found


@pytest.mark.parametrize(
    "template",
    [
        "{event_id}",
        "{event_id:012d}_{label}",
        "{label}_{event_id}",
        "{label}!{event_id}!{camera}",
        "a{event_id}b",
    ],
)
def test_keys_take_an_id_that_can_be_told_from_what_is_beside_it(template: str) -> None:
    KeyTemplates.model_validate({"record": template}).complete("published")


@pytest.mark.parametrize("label", ["latest", "batches"])
def test_keys_stay_out_of_the_archives_own_folders(label: str) -> None:
    templates = KeyTemplates.model_validate({"record": "{label}/{event_id}"})
    event = make_event(detections=(Detection(label=label, confidence=0.9),))
    assert templates.complete("dated").keys(event).record == f"_{label}/7.json"


def test_batch_key_is_made_of_the_day_and_the_block() -> None:
    assert [batch_key(number, MOMENT, 10_000, "jsonl.gz") for number in (10_000, 10_001)] == [
        "batches/dt=2018-08-16/records_000000000001-000000010000.jsonl.gz",
        "batches/dt=2018-08-16/records_000000010001-000000020000.jsonl.gz",
    ]
