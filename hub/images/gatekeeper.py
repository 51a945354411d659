"""Lets a gate decide of an instance's pictures, once each, and keeps what it decided."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from hub.gate.gate import Gate, Verdict
from hub.gate.tf_serving import GateDown
from hub.images.image import Image
from hub.images.message import GateSaid
from hub.images.offer import Unavailable
from hub.store.gate_decisions import Decision, note_decision, read_decision
from hub.store.log import EventLog
from hub.store.writer import Writer


class Gatekeeper:
    """Stands before the paid calls of the instance `plugin`."""

    def __init__(self, plugin: str, gate: Gate, writer: Writer, event_log: EventLog) -> None:
        self.gate = gate
        self._plugin = plugin
        self._writer = writer
        self._log = event_log

    async def judge(self, image: Image) -> Verdict:
        """Return what was decided of a picture, now or before by the same threshold; a refusal is committed.

        Raises:
            Unavailable: The gate is down, and pictures wait meanwhile.
        """
        if (earlier := await self._recall(image.key)) is not None:
            return earlier
        try:
            verdict = await self.gate.judge(image.data, image.width, image.height)
        except GateDown as error:
            raise Unavailable(f"{image.name}: gate {self.gate.gate}: {error}") from error
        note = partial(note_decision, decision=self._decision(image.key, verdict))
        if verdict.sent:
            self._writer.change_soon(note)
        else:
            await self._writer.change(note)
        return verdict

    async def _recall(self, key: str) -> Verdict | None:
        found = await self._log.ask(partial(read_decision, plugin=self._plugin, key=key))
        if found is None or (found.gate, found.threshold) != (self.gate.gate, self.gate.threshold):
            return None
        if found.score is None:
            return None
        return Verdict(found.score, found.threshold, found.passed, found.audit)

    def _decision(self, key: str, verdict: Verdict) -> Decision:
        return Decision(
            plugin=self._plugin,
            gate=self.gate.gate,
            image_key=key,
            score=verdict.score,
            threshold=verdict.threshold,
            passed=verdict.passed,
            audit=verdict.audit,
            decided_at=datetime.now(UTC),
        )

    def said(self, verdict: Verdict) -> GateSaid | None:
        """Return what the event is to tell."""
        if verdict.score is None:
            return None
        name, threshold = self.gate.gate, verdict.threshold
        return GateSaid(name=name, score=verdict.score, threshold=threshold, audit=verdict.audit)
