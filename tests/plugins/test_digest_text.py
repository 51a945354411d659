"""What alerts say of events that were held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.plugin import Digest, DigestLine
from plugins.digest_text import describe_digest

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINE = DigestLine("porch", "door", "thumbs-up", 3, 0.934, NOON, NOON)


@pytest.fixture
def digest():
    nothing = DigestLine("attic", None, None, 1, None, NOON, NOON)
    return Digest(1, 4, NOON, NOON + timedelta(hours=9), {"quiet": 3, "snooze": 1}, (LINE, nothing), 0, None)


def test_digest_text_has_a_line_for_each_place_and_label(digest):
    title, body = describe_digest(digest)

    assert title == "4 events held back"
    assert body.splitlines() == [
        "2026-11-21 12:00 to 2026-11-21 21:00 (UTC); quiet 3, snooze 1",
        "thumbs-up on porch, camera door: 3, at best 93%",
        "nothing on attic: 1",
    ]


def test_digest_text_says_how_much_it_leaves_out(digest):
    many = replace(digest, count=100, lines=(LINE,) * 20, more=40)

    assert describe_digest(many)[1].endswith("\nand 70 more")


def test_digest_text_makes_names_harmless(digest):
    hostile = replace(digest, lines=(replace(LINE, label="@everyone"),))

    assert "@everyone" not in describe_digest(hostile)[1]
