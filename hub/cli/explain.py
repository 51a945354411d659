"""`lenshub explain`: what became of one event, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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
from hub.store.log import EventLog


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

    async def ask(engine: Database) -> tuple[Event, list[int], list[Explanation]]:
        rows = await EventLog(engine).by_ids([event])
        if not rows:
            raise StoreError(f"there is no event {event}; `lenshub events` shows the newest ones")
        view, amendments = await EventLog(engine).view(rows[0])
        shown = rows[0] if rows[0].amends else view  # an amendment is shown as the event stood then
        return shown, amendments, await explain_event(engine, rows[0], read_config(config).plugins)

    found, amendments, explanations = asyncio.run(read_store(config, ask))
    if json:
        outcomes = [explanation.model_dump() for explanation in explanations]
        shown = found.model_dump(mode="json")
        print_json({"event": shown, "amendments": amendments, "deliveries": outcomes})
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
    print_table("", ("plugin", "outcome", "why"), ((_who(e), e.outcome, _why(e)) for e in explanations))


def _tell_amendments(event: Event, amendments: Sequence[int]) -> str:
    if event.amends is not None:
        return f"It amends event {event.amends}, shown as it stood then."
    if not amendments:
        return ""
    one = "1 amendment" if len(amendments) == 1 else f"{len(amendments)} amendments, the last"
    return f"Shown with {one}: {amendments[-1]}."


def _who(explanation: Explanation) -> str:
    return f"{explanation.plugin}, replay {explanation.run}" if explanation.run else explanation.plugin


def _why(explanation: Explanation) -> str:
    parts = [explanation.note, explanation.reason]
    if explanation.due_at:
        parts.append(f"attempt {explanation.attempt} failed, next at {explanation.due_at[:19]} UTC")
    return "; ".join(part for part in parts if part)
