"""What `lenshub replay` refuses before anything is asked of a hub."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "problem", "code"),
    [
        (("--from", "9", "--to", "2"), "--to 2 is before --from 9", 1),
        (("--from", "9", "--to", "2", "--dry-run"), "--to 2 is before --from 9", 1),
        ((), "say from when on with --since TIME", 1),
        (("--from", "1", "--dry-run"), "there is no plugin 'p' in hub.toml (known: none)", 2),
    ],
)
def test_replay_says_what_is_wrong(lenshub, arguments, problem, code):
    done = lenshub("replay", "p", *arguments)

    assert (done.exit_code, problem in done.output) == (code, True)
