"""`lenshub device`: who may connect to the private broker, and what devices said of themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    complaints,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.config import PRIVATE, read_config
from hub.devices import DeviceRegistry
from hub.errors import ConfigError
from hub.listener import find_listener
from hub.store import overview
from hub.store.database import database_path

OLD_HEALTH = timedelta(minutes=2)  # agents tell it twice a minute
app = typer.Typer(no_args_is_help=True, help="Register devices at the private broker, and see how they are.")
NameArgument = Annotated[str, typer.Argument(help="The device's name.")]

_AGENT = """\
# agent.toml: `lenshub-edge run --config agent.toml`
[agent]
device = "{name}"

[broker]
url = "{url}"
username = "{name}"
password = "{password}"
{ca}
[camera]
source = "/dev/video0"
"""


def _registry(config: Path | None) -> DeviceRegistry:
    settings = read_config(config)
    if settings.mqtt.broker != PRIVATE:
        raise ConfigError("mqtt.broker: is a broker of yours; register devices there")
    return DeviceRegistry(settings.hub.data_dir / "broker")


@app.command()
@plainly
def add(name: NameArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Make credentials for a device and print its agent's configuration. The password is shown only now.

    Example: lenshub device add porch > agent.toml
    """
    settings = read_config(config)
    listener = find_listener(settings)
    url = listener.url if listener else "mqtt://{}:{}".format(*settings.mqtt.address())
    ca = listener.ca_pem() if listener else None
    password = _registry(config).add(name)
    if json:
        print_json({"device": name, "url": url, "username": name, "password": password, "ca": ca})
        return
    lines = f'# The authority of this hub; the agent trusts no other.\nca = """\n{ca}"""\n' if ca else ""
    typer.echo(_AGENT.format(name=name, url=url, password=password, ca=lines), nl=False)
    complaints.print(
        escape(f"device {name} is registered; keep its configuration, the password is not shown again")
    )
    if listener and listener.guessed:
        complaints.print(escape(f"{url} is a guess; mqtt.listen_names says what devices may call this hub"))


@app.command()
@plainly
def remove(name: NameArgument, config: ConfigOption = None) -> None:
    """Take a device's credentials away. Its events stay."""
    _registry(config).remove(name)
    console.print(escape(f"device {name} can no longer connect"))


@app.command("list")
@plainly
def list_(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List devices, those that may connect and those ever seen: how they are, and since when."""
    settings = read_config(config)
    seen: list[dict[str, Any]] = []
    if database_path(settings.hub.data_dir).exists():
        seen = asyncio.run(read_store(config, overview.list_devices))
    registered = _registry(config).names() if settings.mqtt.broker == PRIVATE else []
    found = [row | {"registered": row["name"] in registered} for row in seen]
    known = {row["name"] for row in seen}
    found += [{"name": name, "registered": True, "events": 0} for name in registered if name not in known]
    if json:
        print_json(found)
        return
    print_table("Devices", _COLUMNS, map(_row, found))


_COLUMNS = (
    "device",
    "may connect",
    "state",
    "since (UTC)",
    "last seen (UTC)",
    "events",
    "health",
    "clock",
    "gaps",
)


def _row(device: dict[str, Any]) -> tuple[Any, ...]:
    state = " ".join(part for part in (device.get("state"), device.get("state_text")) if part) or None
    return (
        device["name"],
        "yes" if device["registered"] else "no",
        state,
        _moment(device.get("state_at")),
        _moment(device.get("last_seen_at")),
        device["events"],
        _health(device.get("health") or {}, device.get("health_at")),
        _clock(device),
        _gaps(device),
    )


def _moment(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else None


# What is worth a word in a table; --json has every figure.
_FIGURES = (
    ("fps", "{:.1f} frames/s"),
    ("inference_ms_p50", "inference {:.0f} ms"),
    ("spool_records", "{} spooled"),
    ("dropped", "{} dropped"),
    ("temperature_c", "{:.0f} \N{DEGREE SIGN}C"),
)


def _health(health: dict[str, Any], at: datetime | None) -> str | None:
    told = [form.format(health[name]) for name, form in _FIGURES if health.get(name) is not None]
    if told and at and datetime.now(UTC) - at > OLD_HEALTH:
        told.append(f"as of {_moment(at)}")
    return ", ".join(told) or None


def _clock(device: dict[str, Any]) -> str | None:
    if device.get("agent") is None:
        return None  # it never told its time
    return f"off by {device['clock_skew_s']:.0f} s" if device["clock_skew_s"] else "right"


def _gaps(device: dict[str, Any]) -> str | None:
    if "gaps" not in device:
        return None
    return f"{device['gaps']} ({device['missing']} records)" if device["gaps"] else "none"
