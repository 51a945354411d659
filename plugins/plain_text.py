"""Makes names that come from devices harmless in texts that other services read."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hub.template import clean_value

ZERO_WIDTH_SPACE = "\N{ZERO WIDTH SPACE}"
# Mentions (@everyone and <!channel> too), tags, HTML, what begins a link's host or ends one of its parts.
_MARK = re.compile(r"([@＠﹫#＃﹟$＄<&]|[.。．｡](?=\S)|:(?=//))")


def defuse(text: str) -> str:
    """Return text in which no mention, hashtag, cashtag, link or HTML is recognised; it looks the same.

    What cannot be seen is left out first: it could part a mark from what it marks until later.
    """
    return _MARK.sub(rf"\1{ZERO_WIDTH_SPACE}", clean_value(text).replace(ZERO_WIDTH_SPACE, ""))


def defuse_all(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a template with every text among them defused."""
    return {name: defuse(value) if isinstance(value, str) else value for name, value in values.items()}
