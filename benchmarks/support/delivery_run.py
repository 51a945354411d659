"""Delivers events at a rate to real plugins, and reads from the store when each delivery was settled."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from support.broker import HOST, free_port, mosquitto
from support.hub_process import HubProcess, database_of, running_hub, write_settings
from support.publisher import Publisher
from support.receivers import TOPIC, count_received, receiving

WARM_UP_MESSAGES = 50
HANGING = "[plugins.hanging]\nconcurrency = 4\ntimeout_s = 2\n"
OPEN = "('retrying', 'running')"


def plugin_tables(receivers: int, broker: int, *, pictures: bool) -> dict[str, str]:
    """Return the tables of hub.toml of the plugins that are measured, by name."""
    boxes = f"boxes = {str(pictures).lower()}\n"
    alerts = (
        f'use = "threshold-alerts"\nconcurrency = 16\ncooldown_s = 0\nlog = false\nallow_hosts = ["{HOST}"]\n'
    )
    s3 = f'bucket = "bench"\nregion = "us-east-1"\nendpoint_url = "http://{HOST}:{receivers}"\n'
    return {
        "s3": f'use = "s3-archive"\nconcurrency = 16\n{s3}{boxes}',
        "folder": f'use = "s3-archive"\nconcurrency = 16\nfolder = "archive"\n{boxes}',
        "webhook": f'{alerts}webhooks = [{{ url = "http://{HOST}:{receivers}/hook" }}]\n',
        "mqtt": f'{alerts}mqtt = [{{ broker = "mqtt://{HOST}:{broker}", topic = "{TOPIC}" }}]\n',
    }


@dataclass(frozen=True)
class Settling:
    """How soon one plugin's deliveries were settled, from the moment the event left its device."""

    plugin: str
    done: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class DeliveryRun:
    """One run; `behind_s` is the time from the last event to the last settlement."""

    deliveries_per_s: float
    events: int
    seconds: float
    behind_s: float
    hanging: bool
    cpu_share: float
    outcomes: dict[str, int]
    received: dict[str, int]
    plugins: tuple[Settling, ...]

    @property
    def settled_per_s(self) -> float:
        """Deliveries settled a second, from the first event to the last settlement."""
        return sum(plugin.done for plugin in self.plugins) / (self.seconds + self.behind_s)


def run_deliveries(
    folder: Path, names: tuple[str, ...], per_s: float, seconds: float, *, hanging: bool, pictures: bool
) -> DeliveryRun:
    """Publish so many events a second that the plugins together have `per_s` deliveries to make."""
    folder.mkdir()
    receivers = free_port()
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    with mosquitto(folder / "broker") as port, receiving(receivers, port):
        tables = plugin_tables(receivers, port, pictures=pictures)
        chosen = "".join(f"[plugins.{name}]\n{tables[name]}" for name in names)
        write_settings(folder, port, chosen + (HANGING if hanging else ""))
        picture = _make_picture() if pictures else b""
        with running_hub(folder) as hub, Publisher(port, picture) as publisher:
            hub.wait_until_connected()
            publisher.publish(WARM_UP_MESSAGES)
            _wait_until_settled(hub, folder, names, WARM_UP_MESSAGES)
            cpu_s = hub.cpu_s()
            sent = publisher.publish_at(per_s / len(names), seconds)
            _wait_until_settled(hub, folder, names, WARM_UP_MESSAGES + sent)
            cpu_s = hub.cpu_s() - cpu_s
            return _read_run(folder, receivers, names, per_s, sent, hanging=hanging, cpu_s=cpu_s)


def _make_picture() -> bytes:
    rows, columns = np.mgrid[0:360, 0:640]
    picture = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=2).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", picture)[1])


def _wait_until_settled(hub: HubProcess, folder: Path, names: tuple[str, ...], events: int) -> None:
    those = ", ".join(f"'{name}'" for name in names)
    behind = f"SELECT count(*) FROM cursors WHERE plugin IN ({those}) AND position >= {events}"  # noqa: S608
    aside = f"SELECT count(*) FROM deliveries WHERE plugin IN ({those}) AND outcome IN {OPEN}"  # noqa: S608
    with database_of(folder) as ask:
        hub.wait_until(lambda: ask(behind) == len(names) and ask(aside) == 0)


def _read_run(
    folder: Path,
    receivers: int,
    names: tuple[str, ...],
    per_s: float,
    sent: int,
    *,
    hanging: bool,
    cpu_s: float,
) -> DeliveryRun:
    query = """
        SELECT plugin, outcome, deliveries.updated_at, captured_at
        FROM deliveries JOIN events ON id = event_id WHERE event_id > ? AND plugin != 'hanging'"""
    with closing(sqlite3.connect(folder / "data" / "hub.sqlite", timeout=10)) as connection:
        rows = connection.execute(query, [WARM_UP_MESSAGES]).fetchall()
    outcomes: dict[str, int] = {}
    waited: dict[str, list[float]] = {name: [] for name in names}
    ends, begins = [], []
    for plugin, outcome, settled, captured in rows:
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        ends.append(datetime.fromisoformat(settled))
        begins.append(datetime.fromisoformat(captured))
        waited[plugin].append((ends[-1] - begins[-1]).total_seconds() * 1000)
    seconds = (max(begins) - min(begins)).total_seconds()
    behind_s = (max(ends) - max(begins)).total_seconds()
    return DeliveryRun(
        per_s,
        sent,
        seconds,
        behind_s,
        hanging,
        cpu_s / (seconds + behind_s),
        outcomes,
        count_received(receivers),
        tuple(Settling(name, len(ms), _at(ms, 0.5), _at(ms, 0.99)) for name, ms in waited.items()),
    )


def _at(ms: list[float], share: float) -> float:
    ordered = sorted(ms)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
