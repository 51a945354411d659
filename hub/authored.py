"""What an author's code raises: said on one clean line, and told from the hub's own stopping."""

from __future__ import annotations

import asyncio
import re

TEXT_CHARS = 2000
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def clean(text: str) -> str:
    """Return text on one line, without marks that control or reorder it, of bounded length."""
    return _CONTROLS.sub(" ", text)[:TEXT_CHARS].strip()


def text_of(error: BaseException) -> str:
    """Return what an exception says, or "" where its own `__str__` fails."""
    try:
        return clean(str(error))
    except BaseException:  # noqa: BLE001 - an author's __str__ may raise anything as well
        return ""


def in_words(error: BaseException) -> str:
    """Return an exception's name and what it says."""
    name, text = clean(type(error).__name__), text_of(error)
    return f"{name}: {text}" if text else name


def is_stop(error: BaseException) -> bool:
    """Whether the task that runs is being cancelled from outside; an author's own CancelledError is none."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
