"""What is refused is named in the log, and a flood of it does not fill the disk."""

from __future__ import annotations

import pytest

from hub.images import refusals
from hub.images.message import Refusal
from hub.images.refusals import MOST, Refusals


@pytest.fixture
def lines(caplog):
    caplog.set_level("INFO", refusals.__name__)
    return lambda: [record.getMessage() for record in caplog.records]


async def test_flood_is_named_up_to_a_bound_and_counted_beyond(lines):
    refused = Refusals("gallery")
    for number in range(MOST + 5):
        refused.note(f"{number}.png", Refusal(code="picture_empty", reason="0 bytes"))
    assert len(lines()) == MOST
    refused.close()

    assert lines()[0] == "images.refused gallery: 0.png: picture_empty: 0 bytes"
    assert lines()[MOST:] == ["images.refused gallery: 5 more: picture_empty"]


async def test_next_minute_is_named_again(lines, wait_until):
    refused = Refusals("gallery", window_s=0.01)
    for number in range(MOST + 1):
        refused.note(f"{number}.png", Refusal(code="picture_empty", reason="0 bytes"))
    await wait_until(lambda: len(lines()) == MOST + 1)
    refused.note("later.png", Refusal(code="picture_empty", reason="0 bytes"))
    refused.close()

    assert lines()[-1] == "images.refused gallery: later.png: picture_empty: 0 bytes"


async def test_name_that_would_forge_a_line_is_escaped(lines):
    refused = Refusals("gallery")
    refused.note("a\nimages.refused b.png", Refusal(code="picture_empty", reason="0 bytes"))
    refused.close()

    assert "\n" not in lines()[0]
