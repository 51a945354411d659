"""Names from devices, made harmless for services that read marks in them."""

from __future__ import annotations

import pytest

from plugins.plain_text import ZERO_WIDTH_SPACE, defuse


@pytest.mark.parametrize(
    "mark",
    [
        "@everyone", "＠elon", "#ad", "＃ad", "$TSLA", "<b>", "<!channel>", "<@U123>", "&lt;", "evil.com",
        "evil。com", "evil．com", "https://evil", "http://127.0.0.1",
    ],
)  # fmt: skip
def test_defuse_parts_every_mark_from_what_it_marks(mark: str) -> None:
    assert mark not in defuse(f"x {mark} y")
    assert defuse(f"x {mark} y").replace(ZERO_WIDTH_SPACE, "") == f"x {mark} y"


@pytest.mark.parametrize("hidden", ["\u200b", "\u2060", "\u202e", "\ufeff", "\x00", "\xad"])
@pytest.mark.parametrize("mark", ["@elon", "evil.com", "https://evil"])
def test_defuse_is_not_deceived_by_what_cannot_be_seen(mark: str, hidden: str) -> None:
    parted = hidden.join(mark)
    assert mark not in defuse(parted)
    assert hidden == ZERO_WIDTH_SPACE or hidden not in defuse(parted)


@pytest.mark.parametrize("text", ["thumbs-up", "C. elegans", "12:30", "👍", "ありがとう"])
def test_defuse_leaves_names_as_they_are(text: str) -> None:
    assert defuse(text) == text
