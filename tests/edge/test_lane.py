"""Lanes: order, bounds, and what a full one does."""

from __future__ import annotations

import threading

from edge.lane import Lane


def test_lane_gives_up_its_oldest_item_when_it_is_full_and_the_newest_wins():
    lane: Lane[int] = Lane(2, newest_wins=True)
    assert all(lane.put(number) for number in range(5))
    lane.close()
    assert (list(lane), lane.dropped) == ([3, 4], 3)


def test_lane_lets_the_putter_wait_when_it_is_full_and_nothing_may_be_lost():
    lane: Lane[int] = Lane(1, newest_wins=False)

    def fill() -> None:
        for number in range(100):
            lane.put(number)
        lane.close()

    thread = threading.Thread(target=fill)
    thread.start()
    assert list(lane) == list(range(100))
    thread.join(10)
    assert lane.dropped == 0


def test_lane_gives_what_is_there_at_once_when_asked_for_batches():
    lane: Lane[int] = Lane(5, newest_wins=False)
    for number in range(5):
        lane.put(number)
    lane.close()
    assert list(lane.batches(2)) == [[0, 1], [2, 3], [4]]


def test_lane_takes_nothing_when_it_is_closed():
    lane: Lane[int] = Lane(1, newest_wins=False)
    lane.put(1)
    lane.close()
    assert not lane.put(2)
    assert list(lane) == [1]


def test_lane_lets_a_waiting_putter_go_when_it_is_closed():
    lane: Lane[int] = Lane(1, newest_wins=False)
    lane.put(1)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(lane.put(2)))
    thread.start()
    lane.close()
    thread.join(10)
    assert answers == [False]
