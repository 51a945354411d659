"""Measures the camera agent as a program beside OpenVINO alone on the same model."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from support.broker import free_port, mosquitto
from support.small_hub import answering

import edge.demo
from edge.config import DEFAULT_MODEL
from edge.model import Detector, read_card
from edge.runtime import load_openvino

SIZE = (640, 480)
CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")
RULES = {
    "every finding is an event": "",
    "one event a second at most": "[capture]\nmin_interval_s = 1\n",
}
AGENT = """\
[agent]
device = "bench"
spool = "{folder}/spool.db"
[broker]
url = "mqtt://127.0.0.1:{port}"
[camera]
source = "{clip}"
passes = 0
pace = false
[display]
listen = "127.0.0.1:{display}"
{rules}
"""


def main() -> None:
    """Measure in turn, `--runs` times, and print the medians."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args()
    results: dict[str, list[dict[str, float]]] = {name: [] for name in RULES}
    bare: list[float] = []
    whole: list[float] = []
    with tempfile.TemporaryDirectory(prefix="lenshub-bench-") as made:
        clip = write_clip(Path(made) / "clip.avi")
        for run in range(asked.runs):
            bare.append(loop_bare(asked.seconds))
            whole.append(loop_detector(clip, asked.seconds))
            for number, (name, rules) in enumerate(RULES.items()):
                folder = Path(made) / f"{run}-{number}"
                folder.mkdir()
                results[name].append(asyncio.run(run_agent(folder, clip, rules, asked.seconds)))
    report(bare, whole, results, as_json=asked.json)


def write_clip(path: Path) -> Path:
    """Write the demo's clip at 640 x 480 as Motion JPEG, which is what cameras give."""
    video, writer = (
        cv2.VideoCapture(str(CLIP)),
        cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, SIZE),
    )
    while (read := video.read())[0]:
        writer.write(cv2.resize(read[1], SIZE))
    writer.release()
    return path


def loop_bare(seconds: float) -> float:
    """Return inferences a second of OpenVINO alone, as its benchmark_app does: one input, again and again."""
    card = read_card(DEFAULT_MODEL)
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = load_openvino().Core().compile_model(DEFAULT_MODEL / "model.xml", "CPU", options)
    request = request.create_infer_request()
    values = np.random.default_rng(1).random((1, 3, card.height, card.width), np.float32) * 255
    return count(lambda: request.infer({0: values}), seconds)


def loop_detector(clip: Path, seconds: float) -> float:
    """Return frames a second of the detector in a bare loop: letterbox, inference, reading of boxes."""
    detector, frame = Detector(DEFAULT_MODEL), cv2.VideoCapture(str(clip)).read()[1]
    return count(lambda: detector.detect(frame), seconds)


def count(work: Any, seconds: float) -> float:
    """Return how often a second `work` can be done, after a short warm-up."""
    for _ in range(20):
        work()
    began, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        work()
        done += 1
    return done / passed


async def run_agent(folder: Path, clip: Path, rules: str, seconds: float) -> dict[str, float]:
    """Run the agent with somebody looking and a hub answering; return its rates and its memory."""
    with mosquitto(folder / "broker") as port:
        display = free_port()
        config = folder / "agent.toml"
        config.write_text(AGENT.format(folder=folder, port=port, clip=clip, display=display, rules=rules))
        async with answering(port) as received:
            with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
                [sys.executable, "-c", "from edge.cli import app; app()", "run", "--config", str(config)],
                stderr=subprocess.DEVNULL,
            ) as agent:
                await asyncio.to_thread(wait_for_frames, display)
                threading.Thread(target=look, args=(display,), daemon=True).start()
                before, began = ask(display), time.perf_counter()
                received_before = received[0]
                await asyncio.sleep(seconds)
                after, passed = ask(display), time.perf_counter() - began
                published = received[0] - received_before
                peak_mb = read_peak_mb(agent.pid)
                agent.terminate()
                await asyncio.to_thread(agent.wait)
    return {
        "frames_per_s": (after["frames"] - before["frames"]) / passed,
        "events_per_s": (after["events"] - before["events"]) / passed,
        "published_per_s": published / passed,
        "rss_mb": peak_mb,
    }


def ask(display: int) -> dict[str, Any]:
    """Return the agent's figures."""
    with urllib.request.urlopen(f"http://127.0.0.1:{display}/health.json", timeout=10) as answer:
        figures: dict[str, Any] = json.load(answer)
    return figures


def read_peak_mb(pid: int) -> float:
    """Return the most memory that a process had resident."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def wait_for_frames(display: int) -> None:
    """Wait until the agent is at work."""
    for _ in range(600):
        try:
            if ask(display)["frames"] > 50:
                return
        except OSError:
            pass
        time.sleep(0.05)
    sys.exit("the agent did not start")


def look(display: int) -> None:
    """Look at the display, as a browser does, until the agent ends."""
    with socket.create_connection(("127.0.0.1", display)) as viewer:
        viewer.sendall(b"GET /stream.mjpeg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while viewer.recv(65536):
            pass


def report(bare: list[float], whole: list[float], agents: dict[str, Any], *, as_json: bool) -> None:
    """Print the medians."""
    alone = statistics.median(bare)
    medians = {
        name: {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}
        for name, runs in agents.items()
    }
    if as_json:
        print(json.dumps({"bare": alone, "detector": statistics.median(whole), "agent": medians}))
        return
    print(f"OpenVINO alone, one input:       {alone:7.1f} inferences/s")
    print(f"the detector in a loop:          {statistics.median(whole):7.1f} frames/s")
    for name, found in medians.items():
        ratio = found["frames_per_s"] / alone
        print(f"agent, {name}: {found['frames_per_s']:7.1f} frames/s, ratio {ratio:.2f}")
        rest = ", ".join(f"{key} {value}" for key, value in found.items() if key != "frames_per_s")
        print(f"       {rest}")
