"""Reports a trouble in one line when it begins and in one when it is over, not at every attempt."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable


class Outage:
    """One kind of trouble, in a log.

    Args:
        log: Where it is reported.
        what: The thing that is in trouble.
        tell: Called with the reason when it begins, and with an empty text when it is over.
    """

    def __init__(
        self, log: logging.Logger, what: str, tell: Callable[[str], object] = lambda reason: None
    ) -> None:
        self._log = log
        self._what = what
        self._tell = tell
        self._since: float | None = None

    @property
    def lasting(self) -> bool:
        """Whether it was reported and is not over."""
        return self._since is not None

    def begin(self, reason: str) -> None:
        """Report the trouble, unless it is known already."""
        if self._since is None:
            self._since = time.monotonic()
            self._log.warning("%s: %s", self._what, reason)
            self._tell(f"{self._what}: {reason}")

    def end(self) -> None:
        """Report that it is over, if it had begun."""
        if self._since is not None:
            self._log.info("%s: well again after %.1f s", self._what, time.monotonic() - self._since)
            self._since = None
            self._tell("")
