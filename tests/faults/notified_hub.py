"""Runs `lenshub` with a queue whose messages come again soon: `notified_hub.py run --config FILE`."""

from __future__ import annotations

from hub.cli import app
from hub.images import queue


def hurry() -> None:
    """Wait shortly for messages that were left, and for those that a killed hub had.

    These stay hidden for much longer than a beat: a machine that stands still a while shows none again.
    """
    queue.VISIBLE_S, queue.LEAVE_S, queue.BEAT_S, queue.WAIT_S = 20, 1, 2.0, 2


if __name__ == "__main__":
    hurry()
    app()
