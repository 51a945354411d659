"""The tail answers what it holds, and says when only the table can."""

from __future__ import annotations

import pytest

from hub.event import Event
from hub.store.tail import Tail


@pytest.fixture
def stored(arrivals):
    def make(first, last):
        new = arrivals.event()
        return [Event.from_new(new, number, new.captured_at) for number in range(first, last + 1)]

    return make


def ids(events):
    return None if events is None else [event.id for event in events]


def test_tail_returns_what_follows_a_position(stored):
    tail = Tail(10)
    tail.extend(stored(11, 15))

    assert ids(tail.after(10, 100)) == [11, 12, 13, 14, 15]
    assert ids(tail.after(13, 100)) == [14, 15]
    assert ids(tail.after(11, 2)) == [12, 13]


def test_tail_has_nothing_after_the_newest(stored):
    tail = Tail(10)

    assert (tail.newest, tail.after(10, 5), tail.after(99, 5)) == (10, [], [])
    tail.extend(stored(11, 12))
    assert (tail.newest, tail.after(12, 5)) == (12, [])


def test_tail_returns_none_where_only_the_table_has_it(stored):
    tail = Tail(10)

    assert tail.after(9, 5) is None
    tail.extend(stored(11, 12))
    assert tail.after(9, 5) is None


def test_tail_forgets_what_everybody_has_taken(stored):
    tail = Tail(0, least=10, most=50)
    tail.listen(lambda: None, lambda: tail.newest)
    for number in range(1, 101):
        tail.extend(stored(number, number))

    assert len(tail._events) <= 20
    assert ids(tail.after(95, 10)) == [96, 97, 98, 99, 100]
    assert tail.after(10, 10) is None


def test_tail_keeps_what_the_slowest_listener_has_not_taken(stored):
    tail, slow = Tail(0, least=10, most=50), [0]
    tail.listen(lambda: None, lambda: tail.newest)
    tail.listen(lambda: None, lambda: slow[0])
    for number in range(1, 46):
        tail.extend(stored(number, number))
    assert ids(tail.after(0, 2)) == [1, 2]

    slow[0] = 30
    tail.extend(stored(46, 46))
    assert (tail.after(29, 1), ids(tail.after(30, 1))) == (None, [31])


def test_tail_is_bounded_whoever_stands_still(stored):
    tail = Tail(0, least=10, most=50)
    tail.listen(lambda: None, lambda: 0)
    sizes = []
    for number in range(1, 201):
        tail.extend(stored(number, number))
        sizes.append(len(tail._events))

    assert max(sizes) == 50
    assert sizes[-1] <= 20, "nobody reads here any more"
    assert tail.after(0, 1) is None


def test_tail_forgets_a_listener_that_leaves(stored):
    tail, heard = Tail(0, least=10, most=50), []

    def hear():
        heard.append(tail.newest)

    tail.listen(hear, lambda: 0)
    tail.forget(hear)
    tail.extend(stored(1, 21))

    assert heard == []
    assert tail.after(0, 1) is None


def test_tail_tells_its_listeners_only_of_events(stored):
    tail, heard = Tail(0), []
    tail.listen(lambda: heard.append(tail.newest), lambda: 0)
    tail.extend([])
    tail.extend(stored(1, 3))

    assert heard == [3]
