"""The screen: the newest finding, drawn once, and only when somebody looks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pytest

from edge.display.screen import Screen
from edge.record import Finding
from edge.shot import Shot
from hub.draw.picture import decode_picture
from hub.event import Box, Detection


@pytest.mark.parametrize(("height", "width"), [(480, 853), (720, 1280), (1080, 1920)])
def test_screen_draws_at_the_height_that_is_asked_for(screen, height, width):
    drawn = screen.draw(height)
    assert drawn is not None
    assert decode_picture(drawn[1]).shape == (height, width, 3)


def test_screen_draws_the_boxes(screen):
    pixels = decode_picture(screen.draw(480)[1])
    edge_of_box = pixels[300, 853 // 4]
    assert edge_of_box[1] > 150 > edge_of_box[0]


def test_screen_draws_once_for_all_who_look(screen, finding):
    assert screen.draw(480)[1] is screen.draw(480)[1]
    first = screen.draw(480)
    screen.show(finding(2))
    assert screen.draw(480)[0] == first[0] + 1


def test_screen_has_nothing_to_draw_before_the_first_frame():
    assert Screen().draw(480) is None


def test_screen_costs_next_to_nothing_when_nobody_looks(screen, finding):
    shown = finding(3)
    began = time.thread_time()
    for _ in range(1000):
        screen.show(shown)
    assert time.thread_time() - began < 0.5


def test_screen_lets_those_who_wait_go_when_it_is_closed(screen):
    screen.close()
    assert screen.wait(10**9, 60) == 1


@pytest.mark.parametrize(("width", "height"), [(10_000, 3), (3, 10_000), (1, 1)])
def test_screen_draws_a_picture_of_a_moderate_size_when_a_frame_has_an_odd_shape(width, height):
    screen = Screen()
    pixels = np.zeros((height, width, 3), np.uint8)
    box = Box(left=0.1, top=0.1, width=0.5, height=0.5)
    detections = (Detection(label="thumb", confidence=1, box=box), Detection(label="fist", confidence=1))
    screen.show(Finding(Shot(pixels, datetime.now(UTC), 0), detections))
    shape = decode_picture(screen.draw(480)[1]).shape
    assert shape[0] <= 480
    assert shape[1] <= 4 * 480
