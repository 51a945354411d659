"""Where an author's code failed, for those who read the log and for `lenshub plugin test`."""

from __future__ import annotations

import traceback
from itertools import dropwhile
from pathlib import Path

from hub.errors import ForeignError
from hub.plugin import DeliverySignal

MAX_LINES = 20
_HUB = f"{Path(__file__).parents[1]}/"


def trace_of(error: BaseException) -> tuple[str, ...]:
    """Return the calls that led to an exception, the author's first one first: `bell.py:9 in ring: x.y()`.

    Nothing for what is no mistake in code: the signals of `hub.plugin`, and a far side or a disk that fails
    (OSError, TimeoutError among them). Of a deep recursion only the last calls are told.
    """
    if isinstance(error, ForeignError):
        return error.trace
    if isinstance(error, (DeliverySignal, OSError)):
        return ()
    calls = traceback.extract_tb(error.__traceback__)
    own = list(dropwhile(lambda call: call.filename.startswith(_HUB), calls))
    return tuple(f"{c.filename}:{c.lineno} in {c.name}: {c.line}" for c in own[-MAX_LINES:])
