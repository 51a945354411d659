"""`lenshub template`: what a template makes of a stored event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.shared import ConfigOption, JsonOption, plainly, print_json, print_table, read_store
from hub.config import read_config
from hub.dispatch.instance import InstanceSettings
from hub.errors import ConfigError, HubError, StoreError
from hub.event import Detection, Event, Frame
from hub.loading import Broken, installed_plugins, load_instance
from hub.plugin import Reject, Skip
from hub.store.database import Database
from hub.store.log import EventFilter, EventLog
from hub.template import SAMPLES, Template, event_values

app = typer.Typer(no_args_is_help=True, help="Try texts with {field} places before anybody gets them.")


@app.callback()
def template() -> None:
    """Try texts with {field} places before anybody gets them."""


@app.command(name="try")
@plainly
def try_template(
    text: Annotated[str | None, typer.Argument(help="A template, such as '{label} on {place}'.")] = None,
    plugin: Annotated[
        str | None, typer.Option(help="Instead: the templates of this instance in hub.toml.")
    ] = None,
    event: Annotated[
        int | None,
        typer.Option(min=1, max=2**63 - 1, help="The event's id.", show_default="the newest event"),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Take a made-up event, not a stored one.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a template makes of an event; nothing is sent.

    Example: lenshub template try '{label} at {time:%H:%M}' --event 17
    """
    if (text is None) == (plugin is None):
        raise HubError("give a template, or --plugin NAME for those in hub.toml")
    if sample and event is not None:
        raise HubError("give --event or --sample, not both")
    found = _sample_event() if sample else asyncio.run(read_store(config, lambda e: _read_event(e, event)))
    shown = _render_text(text, found) if text is not None else _render_plugin(plugin or "", found, config)
    if json:
        print_json({"event": found.id, "texts": shown})
        return
    print_table(f"Event {found.id}", ("template", "text"), shown.items())


async def _read_event(engine: Database, event_id: int | None) -> Event:
    log = EventLog(engine)
    found = await log.newest(EventFilter(), 1) if event_id is None else await log.by_ids([event_id])
    if not found and event_id is None:
        raise StoreError("there is no event yet; --sample takes a made-up one")
    if not found:
        raise StoreError(f"there is no event {event_id}; `lenshub events` shows the newest ones")
    return found[0]


def _sample_event() -> Event:
    moment = datetime(2018, 8, 16, 18, 31, 52, tzinfo=UTC)
    return Event(
        id=1,
        source=str(SAMPLES["source"]),
        device=str(SAMPLES["device"]),
        captured_at=moment,
        received_at=moment,
        frame=Frame(digest="0" * 64, width=640, height=360, media_type="image/jpeg"),
        detections=(Detection(label="thumbs-up", confidence=0.93), Detection(label="fist", confidence=0.41)),
    )


def _values_of(event: Event) -> dict[str, object]:
    """Return an event's values, and samples of the fields that only a plugin knows."""
    best = event.best()
    if best is None:
        raise HubError(f"event {event.id} has no detections to name; --event takes another one")
    return {**SAMPLES, **event_values(event, best.label, best.confidence), "count": 1}


def _render_text(text: str, event: Event) -> dict[str, str]:
    try:
        parsed = Template.parse(text, frozenset(SAMPLES))
    except ValueError as error:
        raise ConfigError(f"template: {error}") from error
    return {text: parsed.render(_values_of(event))}


def _render_plugin(name: str, event: Event, config: Path | None) -> Mapping[str, str]:
    """Return what an instance's own `preview` says, or else each of its templates rendered."""
    settings = _read_settings(name, config)
    preview = getattr(settings, "preview", None)
    if preview is not None:
        return _preview(name, preview, event)
    values = _values_of(event)
    templates = {key: value for key, value in settings if isinstance(value, Template)}
    if not templates:
        raise HubError(f"plugins.{name} has no templates")
    return {key: value.render(values) for key, value in templates.items()}


def _preview(name: str, preview: Callable[[Event], Mapping[str, str]], event: Event) -> Mapping[str, str]:
    try:
        return preview(event)
    except Skip as reason:
        raise HubError(f"plugins.{name} skips event {event.id}: {reason}") from reason
    except Reject as reason:
        raise HubError(f"plugins.{name} refuses event {event.id}: {reason}") from reason


def _read_settings(name: str, config: Path | None) -> Any:
    configured = read_config(config)
    table = configured.plugins.get(name)
    if table is None:
        known = ", ".join(sorted(configured.plugins)) or "none"
        raise HubError(f"there is no [plugins.{name}] in hub.toml (there are: {known})")
    loaded = load_instance(name, table, configured.hub.data_dir)
    if isinstance(loaded, Broken):
        raise ConfigError(*loaded.problems)
    factory = installed_plugins()[loaded.instance.settings.use or name].load()
    rest = {key: value for key, value in table.items() if key not in InstanceSettings.model_fields}
    return factory.Settings.model_validate(rest)
