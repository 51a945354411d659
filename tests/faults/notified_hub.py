"""Runs `lenshub` with a queue whose messages come again soon: `notified_hub.py run --config FILE`."""

from __future__ import annotations

from hub.cli import app
from hub.images import queue


def hurry() -> None:
    """Wait as short as can be for messages that were left, or that a killed hub had."""
    queue.VISIBLE_S, queue.LEAVE_S, queue.BEAT_S, queue.WAIT_S = 6, 1, 2.0, 2


if __name__ == "__main__":
    hurry()
    app()
