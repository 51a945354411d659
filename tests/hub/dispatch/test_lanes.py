"""Lanes by themselves: one event of each device has its turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.lanes import Lanes


def test_lanes_let_the_first_of_each_device_go():
    lanes = Lanes()

    assert [lanes.enter("a", 1), lanes.enter("b", 2), lanes.enter("a", 3)] == [True, True, False]
    assert (lanes.behind(1), lanes.behind(3), lanes.first(3)) == ([3], [], 1)


def test_lanes_give_the_turn_to_the_next_when_the_first_leaves():
    lanes = Lanes()
    for event in (1, 2, 3):
        lanes.enter("a", event)

    assert [lanes.leave(2), lanes.leave(1), lanes.leave(3), lanes.leave(3)] == [None, 3, None, None]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_lanes_keep_each_devices_order(steps):
    lanes, devices, going = Lanes(), {}, set()
    gone = []
    for event, (device, leave) in enumerate(steps):
        devices[event] = device
        if lanes.enter(device, event):
            going.add(event)
        if leave:
            first = min(going)
            going.remove(first)
            gone.append(first)
            if (following := lanes.leave(first)) is not None:
                going.add(following)
        assert len({devices[one] for one in going}) == len(going)
    for device in "abc":
        assert (own := [one for one in gone if devices[one] == device]) == sorted(own)
