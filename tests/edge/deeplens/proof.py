"""Runs the old functions in functions/ against one real hub and prints what came of each, as a table.

proof.py                 every function
proof.py --json FILE     one object for each function named, for programs
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import cv2
import numpy as np
from moto.server import ThreadedMotoServer
from rich.console import Console
from rich.table import Table

from hub.devices import DeviceRegistry

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent
KINDS = ("thumbs_up_v1", "thumbs_up_v2", "thumbs_up_v3", "face_detection", "classification")
FUNCTIONS = [f"{kind}_{python}.py" for kind in KINDS for python in ("py2", "py3")]
EVENTS = 2  # so many from each function prove it
DEADLINE_S = 120.0
COUNTS = ("published", "frames", "inferences", "crashes", "repairs", "missing")
ARRIVED = ("events", "links", "detections", "statuses", "quarantined")


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look again and again until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {DEADLINE_S:.0f} s for {what}")
        time.sleep(0.05)


class Hub:
    """A running `lenshub run` with its private broker, and what its database holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        (folder / "hub.toml").write_text(f'[hub]\ndata_dir = "data"\n[mqtt]\nport = {self._port}\n')
        self._devices = DeviceRegistry(folder / "data" / "broker")

    def add(self, thing: str) -> Path:
        """Register a device; return its agent.toml."""
        path = self.folder / f"{thing}.toml"
        user = f'username = "{thing}"\npassword = "{self._devices.add(thing)}"\n'
        url = f'url = "mqtt://127.0.0.1:{self._port}"\n'
        path.write_text(f'[agent]\ndevice = "{thing}"\n[broker]\n{url}{user}')
        return path

    @contextmanager
    def running(self) -> Iterator[None]:
        log_path = self.folder / "log"
        with log_path.open("wb") as log:
            command = [str(PROGRAMS / "lenshub"), "run", "-c", str(self.folder / "hub.toml")]
            process = subprocess.Popen(command, stderr=log)
        try:
            wait_until(lambda: "mqtt.connected" in log_path.read_text(), "the hub")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_S)

    def ask(self, query: str, thing: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query about one device."""
        with closing(sqlite3.connect(f"file:{self.folder}/data/hub.sqlite?mode=ro", uri=True)) as store:
            return store.execute(query, [thing]).fetchall()

    def arrived(self, thing: str) -> dict[str, Any]:
        """Return what the hub has of a device: see `ARRIVED`."""
        seen = "SELECT DISTINCT label, confidence, box_left FROM detections JOIN events ON id = event_id"
        quarantined = "SELECT reason FROM quarantine WHERE topic LIKE '%' || ? || '%'"
        linked = "SELECT id FROM events WHERE device = ? AND attributes ->> 'link_to_img' IS NOT NULL"
        waiting = "SELECT link FROM pending_image_links WHERE device = ?"
        return {
            "events": self.ask("SELECT COUNT(*) FROM events WHERE device = ?", thing)[0][0],
            "links": len(self.ask(linked, thing)) + len(self.ask(waiting, thing)),
            "detections": self.ask(f"{seen} WHERE device = ? ORDER BY confidence DESC", thing),
            "statuses": self.ask("SELECT kind, text FROM device_history WHERE device = ? ORDER BY id", thing),
            "quarantined": [reason for (reason,) in self.ask(quarantined, thing)],
        }


@contextmanager
def bucket() -> Iterator[dict[str, str]]:
    """Serve S3 with a bucket; return the environment that leads a function to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=address, **keys)
    client.create_bucket(Bucket="frames")
    client.close()
    yield {"AWS_ENDPOINT_URL": address, "TEST_BUCKET": "frames", "TEST_URL": f"{address}/moto-api/"}
    server.stop()


def prove(function: str, agent: Path, hub: Hub, environment: dict[str, str]) -> dict[str, Any]:
    """Run a function until the hub has its events; return its report and what arrived."""
    thing = agent.stem
    command = [
        *(str(PROGRAMS / "lenshub-edge"), "lambda", str(HERE / "functions" / function), "--thing", thing),
        *("--config", str(agent), "--model-dir", str(hub.folder / "models"), "--size", "640x360", "--json"),
        *("--source", str(hub.folder / "pictures"), "--spool", str(hub.folder / f"{thing}.db")),
    ]
    variables = os.environ | environment | {"TEST_FIFO": str(hub.folder / f"{thing}.mjpeg")}
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: hub.arrived(thing)["events"] >= EVENTS, f"events of {function}")
    finally:
        process.send_signal(signal.SIGTERM)
        said, complaints = process.communicate(timeout=DEADLINE_S)
    if not said:
        raise RuntimeError(f"{function}: {complaints}")
    wait_until(lambda: "offline" in dict(hub.arrived(thing)["statuses"]), f"the end of {function}")
    outcome = {"function": function, "exit": process.returncode, "unsent": count_unsent(hub, thing)}
    return {**outcome, **json.loads(said), **hub.arrived(thing)}


def count_unsent(hub: Hub, thing: str) -> int:
    """Return how many messages a spool kept: on a slow machine the last words may not be through in time."""
    with closing(sqlite3.connect(f"file:{hub.folder / thing}.db?mode=ro", uri=True)) as spool:
        return int(spool.execute("SELECT COUNT(*) FROM letters").fetchone()[0])


def prove_all(functions: list[str]) -> list[dict[str, Any]]:
    """Run functions, two at a time, against one hub."""
    with tempfile.TemporaryDirectory(prefix="lenshub-proof-") as made, ExitStack() as stack:
        hub = Hub(Path(made))
        subprocess.run([sys.executable, str(HERE / "old_models.py"), str(hub.folder / "models")], check=True)
        (hub.folder / "pictures").mkdir()
        cv2.imwrite(str(hub.folder / "pictures" / "one.png"), np.full((90, 160, 3), 128, np.uint8))
        agents = [hub.add(f"deeplens_{Path(function).stem}") for function in functions]
        stack.enter_context(hub.running())
        environment = stack.enter_context(bucket())
        with ThreadPoolExecutor(2) as pool:
            return list(
                pool.map(lambda job: prove(*job, hub, environment), zip(functions, agents, strict=True))
            )


def show(rows: list[dict[str, Any]]) -> None:
    """Print a row for each function."""
    table = Table("function", *COUNTS, *ARRIVED, box=None, pad_edge=False)
    for row in rows:
        seen = ", ".join(f"{label} {confidence:.2f}" for label, confidence, _ in row["detections"])
        cells = row | {
            "repairs": len(row["repairs"]),
            "missing": " ".join(row["missing"]) or "-",
            "detections": seen,
            "statuses": " ".join(dict.fromkeys(kind for kind, _ in row["statuses"])),
            "quarantined": len(row["quarantined"]),
        }
        table.add_row(row["function"], *(str(cells[name]) for name in (*COUNTS, *ARRIVED)))
    Console(width=200, highlight=False).print(table)


def main() -> None:
    """Do what the command line says; exit code 1 if a function did not loop and publish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("functions", nargs="*", default=FUNCTIONS, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # every request, else
    rows = prove_all(asked.functions)
    if asked.json:
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        show(rows)
    sys.exit(any(row["exit"] for row in rows))


if __name__ == "__main__":
    main()
