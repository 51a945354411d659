"""Where an author's code failed."""

from __future__ import annotations

import pytest

from hub.dispatch.trace import MAX_LINES, trace_of
from hub.plugin import DeliverySignal, Reject, RetryLater, Skip


def raised(act):
    with pytest.raises((KeyError, OSError, DeliverySignal)) as caught:
        act()
    return caught.value


def fail_at(depth):
    return fail_at(depth - 1) if depth else {}["x"]


def test_trace_names_file_line_and_code_of_each_call():
    first, last = trace_of(raised(lambda: fail_at(0)))[-2:]

    assert first.startswith(f"{__file__}:")
    assert last.endswith(' in fail_at: return fail_at(depth - 1) if depth else {}["x"]')


def test_trace_of_a_deep_recursion_is_its_end():
    assert len(trace_of(raised(lambda: fail_at(100)))) == MAX_LINES


@pytest.mark.parametrize(
    "error", [Skip("x"), Reject("x"), RetryLater(1, "x"), OSError("x"), TimeoutError("x")]
)
def test_trace_of_what_is_no_mistake_in_code_is_empty(error):
    def act():
        raise error

    assert trace_of(raised(act)) == ()
