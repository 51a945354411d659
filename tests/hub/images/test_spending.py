"""What calls cost, and when a used-up limit is renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.images.spending import Spending
from hub.plugin import Limit

NOW = datetime(2026, 11, 21, 18, 31, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "after_s"),
    [
        (Limit("day", "day", amount=0.3), None),
        (Limit("day", "day", amount=0.25), 4 * 3600 - 20),
        (Limit("hour", "hour", count=2), 1800 - 20),
        (Limit("hour", "hour", count=1), 3600 - 20),
        (Limit("month", "month", amount=0.2), (9 * 24 + 5) * 3600 + 28 * 60 + 40),
        (Limit("never", "day", amount=0.01), 86_400),
    ],
)
def test_limit_stands_until_enough_is_past(limit, after_s):
    spending = Spending([("2026-11-20 22:31", 0.1, 1)])
    spending.add(NOW - timedelta(minutes=30), 0.05)
    spending.add(NOW, 0.05)

    refused = spending.refusal([limit], 0.1, NOW)
    assert refused is None if after_s is None else refused == (limit, pytest.approx(after_s))


def test_what_is_given_back_counts_no_longer():
    spending = Spending()
    spending.add(NOW, 0.5)
    spending.give_back(NOW, 0.5)

    assert spending.total("day", NOW) == spending.total("month", NOW) == (0.0, 0)
