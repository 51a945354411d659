"""`lenshub explain`: what became of one event, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    as_shown,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.config import read_config
from hub.errors import StoreError
from hub.event import Event
from hub.explain import Explanation, explain_event
from hub.store.admission import MAYBE_REPEAT
from hub.store.database import Database
from hub.store.gate_decisions import Decision, list_decisions
from hub.store.log import EventLog
from hub.store.reviewed import Chosen, Reviewing, Said, read_reviewing
from hub.verdicts import DISPUTED, REVIEW


@plainly
def explain(
    event: Annotated[
        int, typer.Argument(min=1, max=2**63 - 1, help="The event's id, as `lenshub events` shows it.")
    ],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say what came of an event for each plugin: done, skipped, retrying, running, waiting, unknown, dead.

    Example: lenshub explain 42
    """
    found, amendments, explanations, decisions, reviewing = asyncio.run(
        read_store(config, partial(_ask, event, config))
    )
    if json:
        outcomes = [explanation.model_dump() for explanation in explanations]
        told = {"event": found.model_dump(mode="json"), "amendments": amendments, "deliveries": outcomes}
        print_json(told | {"gates": [asdict(decision) for decision in decisions]} | asdict(reviewing))
        return
    seen = ", ".join(f"{d.label} {d.confidence:.2%}" for d in found.detections) or "nothing"
    console.print(
        as_shown(f"Event {found.id}: {found.device} saw {seen} at {found.captured_at:%Y-%m-%d %H:%M:%S} UTC")
    )
    if said := _tell_amendments(found, amendments):
        console.print(said)
    if found.attributes.get(MAYBE_REPEAT):
        console.print(
            "Maybe a repeat: the broker sent its message again, and nothing tells if the first was stored."
        )
    for decision in decisions:
        console.print(as_shown(_tell(decision)))
    for line in (*map(_tell_chosen, reviewing.chosen), *map(_tell_said, reviewing.said)):
        console.print(as_shown(line))
    if found.attributes.get(REVIEW) == DISPUTED:
        console.print("It is disputed, and stands as it was before; `lenshub review --disputed` settles it.")
    if not explanations:
        console.print("no plugin gets events (`lenshub plugins`)")
        return
    print_table("", ("plugin", "outcome", "why"), ((_who(e), e.outcome, _why(e)) for e in explanations))


async def _ask(
    event: int, config: Path | None, engine: Database
) -> tuple[Event, list[int], list[Explanation], list[Decision], Reviewing]:
    log = EventLog(engine)
    rows = await log.by_ids([event])
    if not rows:
        raise StoreError(f"there is no event {event}; `lenshub events` shows the newest ones")
    view, amendments = await log.view(rows[0])
    shown = rows[0] if rows[0].amends else view  # an amendment is shown as the event stood then
    explained = await explain_event(engine, rows[0], read_config(config).plugins)
    decisions = await log.ask(partial(list_decisions, key=view.key or ""))
    reviewing = await log.ask(partial(read_reviewing, first=view.id))
    return shown, amendments, explained, decisions, reviewing


def _tell_amendments(event: Event, amendments: Sequence[int]) -> str:
    if event.amends is not None:
        return f"It amends event {event.amends}, shown as it stood then."
    if not amendments:
        return ""
    one = "1 amendment" if len(amendments) == 1 else f"{len(amendments)} amendments, the last"
    return f"Shown with {one}: {amendments[-1]}."


def _tell(decision: Decision) -> str:
    if decision.score is None:
        return f"Gate {decision.gate} had no score; the picture was sent."
    why = "refused, but sent to audit" if decision.audit else "passed" if decision.passed else "refused"
    return f"Gate {decision.gate}: score {decision.score:.4g}, threshold {decision.threshold:g}, {why}."


def _tell_chosen(chosen: Chosen) -> str:
    return f"Captured by {chosen.plugin} for {', '.join(chosen.reasons)} (score {chosen.score:.4g})."


def _tell_said(said: Said) -> str:
    to = "" if said.labels is None else f" to {', '.join(said.labels) or 'nothing'}"
    note = f' ("{said.note}")' if said.note else ""
    undone = ", taken back since" if said.undone else ""
    waits = "" if said.applied else "; not applied yet"
    return (
        f"{said.reviewer} {said.verdict} it{to} at {said.made_at:%Y-%m-%d %H:%M:%S} UTC{note}{undone}{waits}."
    )


def _who(explanation: Explanation) -> str:
    return f"{explanation.plugin}, replay {explanation.run}" if explanation.run else explanation.plugin


def _why(explanation: Explanation) -> str:
    parts = [explanation.note, explanation.reason]
    if explanation.due_at:
        parts.append(f"attempt {explanation.attempt} failed, next at {explanation.due_at[:19]} UTC")
    return "; ".join(part for part in parts if part)
