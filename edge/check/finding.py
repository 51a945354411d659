"""What a check found, in words."""

from __future__ import annotations

from typing import Literal

from hub.event import Plain

RUNNING = "an agent is running with this spool"
State = Literal["ok", "note", "wrong", "skipped"]


class Finding(Plain):
    """One sentence about one part of the agent.

    "wrong" keeps the agent from its work or will; "note" is worth knowing; "skipped" was not tried, and why.
    """

    part: str
    state: State
    text: str
