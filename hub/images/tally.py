"""What an instance's pictures came to since the hub started, and why none is asked about now."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hub.images.offer import Outcome
from hub.images.patience import Patience
from hub.images.spending import Spending
from hub.words import as_usd, count_of


class Tally:
    """The part `images` of an instance's report.

    Attributes:
        answered: How often the classifier answered.
        spending: What its calls cost.
    """

    name = "images"

    def __init__(self) -> None:
        self.answered = 0
        self.spending = Spending()
        self._outcomes: Counter[str] = Counter()

    def count(self, outcome: Outcome) -> None:
        """Count a picture."""
        self._outcomes[outcome.kind] += 1

    def report(self) -> tuple[bool, str]:
        """Return whether all is well, and what to say."""
        said = [f"{count} {kind}" for kind, count in sorted(self._outcomes.items())] or ["none yet"]
        now = datetime.now(UTC)
        (day, calls), (month, _) = self.spending.total("day", now), self.spending.total("month", now)
        if calls or month:
            paid = f"{count_of(calls, 'paid call')} in 24 hours for USD {as_usd(day)}"
            said.append(f"{paid}, USD {as_usd(month)} this month")
        return True, ", ".join(said)


class Wait:
    """The part `waits` of an instance's report: why no picture is asked about now."""

    name = "waits"

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def report(self) -> tuple[bool, str]:
        """Return whether all is well, and what to say."""
        if not self._patience.reason:
            return True, ""
        return False, f"{_about(self._patience.left_s)}: {self._patience.reason}"


def _about(seconds: float) -> str:
    """Return a duration in coarse words, so that a report is not another one each second."""
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {word}"
    return "a moment"
