"""The token of a link that acknowledges an alert: what was signed is read back, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.alert_link import Acknowledgement, LinkError, read_acknowledgement, sign_acknowledgement

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WHAT = Acknowledgement("door", "absent:Seattle01/あ:20261121T120000", int(NOW.timestamp()) + 3600)
SECRET = b"a secret of the hub"
TOKEN = sign_acknowledgement(WHAT, SECRET)


def test_link_says_what_it_acknowledges_until_its_time_is_over() -> None:
    assert read_acknowledgement(TOKEN, SECRET, NOW + timedelta(hours=1)) == WHAT
    with pytest.raises(LinkError, match="too old"):
        read_acknowledgement(TOKEN, SECRET, NOW + timedelta(hours=1, seconds=1))


def test_link_of_another_hub_is_refused() -> None:
    with pytest.raises(LinkError, match="not one of ours"):
        read_acknowledgement(TOKEN, b"another secret", NOW)


def test_link_holds_only_what_a_url_may_hold() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(at=st.integers(0, len(TOKEN) - 1), sign=st.characters())
def test_link_that_was_changed_anywhere_is_refused(at: int, sign: str) -> None:
    changed = TOKEN[:at] + sign + TOKEN[at + 1 :]
    if changed != TOKEN:
        with pytest.raises(LinkError):
            read_acknowledgement(changed, SECRET, NOW)


@given(st.text(max_size=300))
def test_link_of_any_text_is_refused(text: str) -> None:
    with pytest.raises(LinkError):
        read_acknowledgement(text, SECRET, NOW)
