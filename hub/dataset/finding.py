"""What is wrong with a training set: where, what was found, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hub.errors import HubError

Effect = Literal["mended", "left out", "wrong", "noted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        code: A stable word, such as `box_outside`.
        where: The file below the set's folder, and the line or the place in it.
        effect: `mended`, `left out` and `wrong` are errors; `noted` is worth knowing, and changes nothing.
    """

    code: str
    where: str
    said: str
    effect: Effect

    @property
    def is_error(self) -> bool:
        """Whether the set is not what it says it is."""
        return self.effect != "noted"

    def __str__(self) -> str:
        return f"{self.where}: {self.code}: {self.said} ({self.effect})"


class DatasetError(HubError):
    """A training set cannot be read or written."""


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are more than worth knowing."""
    return [one for one in findings if one.is_error]
