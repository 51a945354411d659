"""Says when an instance begins to fail and when it works again, not at every attempt."""

from __future__ import annotations

import logging

from hub.dispatch.verdict import Verdict

log = logging.getLogger(__name__)


class Trouble:
    """Of one instance; `lasts` from the first failure to the next success."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.lasts = False

    def note(self, verdict: Verdict) -> None:
        """Take note of an outcome."""
        failed = verdict.outcome in {"retrying", "dead", "unknown"}
        if failed and not self.lasts:
            told = "\n  ".join((f"{self._name}: {verdict.outcome}: {verdict.reason}", *verdict.trace))
            log.warning("plugin.failing %s", told)
        elif self.lasts and verdict.outcome == "done":
            log.info("plugin.recovered %s", self._name)
        self.lasts = failed or (self.lasts and verdict.outcome != "done")
