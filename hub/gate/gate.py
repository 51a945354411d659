"""One gate of hub.toml while it runs: asks its model, and decides by its threshold."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from hub.decode.printing import show
from hub.errors import ConfigError, PayloadError
from hub.gate.network import GateNetwork
from hub.gate.settings import GateSettings
from hub.gate.tf_serving import GateDown, TfServing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate decided of a picture.

    Attributes:
        score: None where the gate had none.
        audit: It was refused, but is sent all the same, to see what the gate misses.
    """

    score: float | None
    threshold: float
    passed: bool
    audit: bool = False

    @property
    def sent(self) -> bool:
        """Whether the picture goes on to the paid calls."""
        return self.passed or self.audit


def make_gate(name: str, gates: Mapping[str, GateSettings]) -> Gate:
    """Return the gate called so; raises ConfigError where there is none, or its model is missing."""
    if name not in gates:
        raise ConfigError(f"there is no [gates.{name}] in hub.toml ({', '.join(gates) or 'there are none'})")
    return Gate(name, gates[name])


class Gate:
    """The part `gate` of an instance's report. An async context manager.

    Args:
        chance: Returns a random number from 0 to 1, which draws the audited ones.

    Raises:
        ConfigError: From the constructor and `__aenter__`: its model cannot be used.
    """

    def __init__(
        self, name: str, settings: GateSettings, chance: Callable[[], float] = random.random
    ) -> None:
        self.gate = name
        self.name = "gate"
        self.settings = settings
        self._chance = chance
        self._counts: Counter[str] = Counter()
        self._down = ""
        self._model: GateNetwork | TfServing
        if settings.tf_serving is not None:
            self._model, threshold = TfServing(settings.tf_serving, settings.timeout_s), None
        else:
            assert settings.model is not None  # noqa: S101 - the settings have either
            self._model = GateNetwork(settings.model, settings.threads)
            threshold = self._model.card.threshold
        found = settings.threshold if settings.threshold is not None else threshold
        self.threshold = 0.5 if found is None else found

    async def __aenter__(self) -> Self:
        await self._model.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._model.__aexit__(*exception)

    async def score(self, data: bytes, width: int = 0, height: int = 0) -> float:
        """Return a picture's score, 0 to 1.

        Args:
            width: Of the picture in pixels, as far as known: a large JPEG is then decoded small.
            height: Likewise.

        Raises:
            GateDown: There is no answer.
            PayloadError: The picture cannot be decoded.
        """
        return await self._model.score(data, width, height)

    async def judge(self, data: bytes, width: int = 0, height: int = 0) -> Verdict:
        """Return whether a picture is worth the call.

        Raises:
            GateDown: There is no answer, and the gate is closed meanwhile.
        """
        try:
            score = await self.score(data, width, height)
        except GateDown as error:
            self._fall(show(str(error)))
            if self.settings.when_down == "closed":
                raise
            return self._count("sent without a score", Verdict(None, self.threshold, passed=True))
        except PayloadError:  # the classifier may read what OpenCV cannot
            return self._count("sent without a score", Verdict(None, self.threshold, passed=True))
        self._rise()
        passed = score >= self.threshold
        audit = not passed and self._chance() < self.settings.audit_share
        word = "passed" if passed else "audited" if audit else "kept back"
        return self._count(word, Verdict(score, self.threshold, passed, audit))

    def report(self) -> tuple[bool, str]:
        """Return whether all is well, and what to say."""
        said = ", ".join(f"{count} {word}" for word, count in sorted(self._counts.items())) or "none yet"
        if not self._down:
            return True, f"{self.gate}: {said}"
        meanwhile = "every picture is sent" if self.settings.when_down == "open" else "pictures wait"
        return False, f"{self.gate}: down, {meanwhile}: {self._down}; {said}"

    def _count(self, word: str, verdict: Verdict) -> Verdict:
        self._counts[word] += 1
        return verdict

    def _fall(self, reason: str) -> None:
        if not self._down:
            log.warning("gate.down %s: %s", self.gate, reason)
        self._down = reason

    def _rise(self) -> None:
        if self._down:
            log.info("gate.up %s", self.gate)
        self._down = ""
