"""The screen: the newest finding, drawn once, and only when somebody looks."""

from __future__ import annotations

import time

import pytest

from edge.display.screen import Screen
from hub.draw.picture import decode_picture


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
    began = time.perf_counter()
    for _ in range(1000):
        screen.show(shown)
    assert time.perf_counter() - began < 0.5


def test_screen_lets_those_who_wait_go_when_it_is_closed(screen):
    screen.close()
    assert screen.wait(10**9, 60) == 1
