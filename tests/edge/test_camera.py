"""The camera source: the newest frame wins, and a camera that gives nothing is asked again."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

import edge.demo
from edge.camera import _drain, _Slot, watch
from edge.outage import Outage
from edge.shot import Shot

LOG = logging.getLogger("edge.camera")
CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")


def shot(number: int) -> Shot:
    return Shot(np.zeros((1, 1, 3), np.uint8), datetime.now(UTC), number)


def test_slot_gives_the_newest_frame_when_several_came():
    slot = _Slot(every=1)
    for number in range(5):
        slot.put(shot(number))
    taken = slot.take(timeout_s=0)
    assert taken is not None
    assert taken.number == 4
    assert slot.take(timeout_s=0) is None


def test_slot_passes_over_frames_when_only_each_nth_is_wanted():
    slot = _Slot(every=3)
    for number in range(6):
        slot.put(shot(number))
    taken = slot.take(timeout_s=0)
    assert taken is not None
    assert taken.number == 3


def test_camera_numbers_go_on_when_it_was_opened_again():
    slot, stopped, trouble = _Slot(every=1), threading.Event(), Outage(LOG, "camera")
    number = _drain(cv2.VideoCapture(str(CLIP)), 0, slot, stopped, trouble)
    assert _drain(cv2.VideoCapture(str(CLIP)), number, slot, stopped, trouble) == 240
    taken = slot.take(timeout_s=0)
    assert taken is not None
    assert taken.number == 239


def test_camera_says_what_to_do_once_when_there_is_none(caplog):
    stopped, told = threading.Event(), []

    def tell(text: str) -> None:
        told.append(text)
        stopped.set()

    trouble = Outage(LOG, "camera /dev/video99", tell)
    assert list(watch(Path("/dev/video99"), 1, stopped, trouble)) == []
    assert "there is no such camera (known:" in caplog.text
    assert len(told) == 1


def test_camera_is_well_again_when_frames_come():
    told: list[str] = []
    trouble = Outage(LOG, "camera", told.append)
    trouble.begin("unplugged")
    trouble.begin("unplugged")
    _drain(cv2.VideoCapture(str(CLIP)), 0, _Slot(every=1), threading.Event(), trouble)
    assert told == ["camera: unplugged", ""]
