"""What the demo writes into the queue is what the hub reads there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.demo.cloud.notice import TEST_EVENT, WAYS
from hub.images.notification import read_notification


@pytest.mark.parametrize("write", WAYS)
def test_notice_names_the_object_when_the_hub_reads_it(write: Callable[[str, str, str], str]) -> None:
    [found] = read_notification(write("photos", "street/sign 1+é.jpg", "0A"))
    assert (found.place.bucket, found.place.key, found.mark) == ("photos", "street/sign 1+é.jpg", "0A")


def test_test_event_names_no_object() -> None:
    assert read_notification(TEST_EVENT) == []
