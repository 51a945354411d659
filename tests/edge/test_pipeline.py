"""The pipeline: every frame of a file, the newest of a stream, and no step that makes another wait."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edge.demo
from edge.config import DEFAULT_MODEL, AgentConfig, read_config
from edge.demo.score import score_frames
from edge.display.screen import Screen
from edge.model import Detector
from edge.outage import Outage
from edge.pipeline import AHEAD, Pipeline, frames_ahead
from edge.shot import CameraError
from edge.spool import Spool
from hub.event import Box, NewEvent

CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")
TRUTH = json.loads(CLIP.with_suffix(".json").read_text())
LOG = logging.getLogger("edge.agent")
Make = Callable[..., Pipeline]


def configure(source: object, **tables: dict[str, Any]) -> AgentConfig:
    camera = {"source": str(source), "pace": False}
    return read_config(None, {"agent": {"device": "cam-1"}, "camera": camera, **tables})


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path / "spool.db") as opened:
        yield opened


@pytest.fixture
def make(spool: Spool) -> Make:
    """A function that makes a pipeline of a configuration."""

    def make(config: AgentConfig) -> Pipeline:
        ahead, candidates_from = frames_ahead(config.camera), config.sampling.candidates_from
        detector = Detector(DEFAULT_MODEL, ahead=ahead, candidates_from=candidates_from)
        return Pipeline(config, spool, detector, Screen())

    return make


@pytest.fixture
def in_thread() -> Iterator[Callable[[Pipeline], None]]:
    """A function that runs a pipeline in the background, and stops it when the test ends."""
    running: list[tuple[Pipeline, threading.Thread]] = []

    def start(pipeline: Pipeline) -> None:
        thread = threading.Thread(target=pipeline.run, args=(Outage(LOG, "camera"),))
        thread.start()
        running.append((pipeline, thread))

    yield start
    for pipeline, thread in running:
        pipeline.stop()
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("ahead", [0, AHEAD])
def test_pipeline_spools_every_frame_of_a_file_in_order(spool, ahead):
    config = configure(CLIP, agent={"device": "cam-1", "publish_empty": True})
    pipeline = Pipeline(config, spool, Detector(DEFAULT_MODEL, ahead=ahead), Screen())
    pipeline.run(Outage(LOG, "camera"))
    epoch = spool.sending().name
    lines = [json.loads(record.line) for record in spool.read(epoch, 0, 1000, 2**30).records]
    assert [line["attributes"]["frame_number"] for line in lines] == list(range(120))
    assert (pipeline.measure().frames, pipeline.measure().dropped) == (120, 0)


@pytest.mark.parametrize("ahead", [0, AHEAD])
def test_pipeline_tells_of_each_frame_what_is_on_that_frame(spool, ahead):
    detector = Detector(DEFAULT_MODEL, ahead=ahead)
    pipeline = Pipeline(configure(CLIP), spool, detector, Screen())
    pipeline.run(Outage(LOG, "camera"))
    lines = (record.line for record in spool.read(spool.sending().name, 0, 1000, 2**30).records)
    events = {event.attributes["frame_number"]: event for event in map(NewEvent.model_validate_json, lines)}
    boxes = {entry["frame"]: [Box(**box) for box in entry["thumbs_up"]] for entry in TRUTH["frames"]}
    found = score_frames((event.detections, boxes[number]) for number, event in events.items())
    assert min(found.precision, found.recall) > 0.9


@pytest.mark.parametrize(
    ("source", "pace", "ahead"),
    [
        ("clip.avi", False, AHEAD),
        ("clip.avi", True, 0),
        ("/dev/video0", False, 0),
        ("rtsp://cam/x", False, 0),
    ],
)
def test_pipeline_looks_ahead_only_where_nobody_waits(source, pace, ahead):
    assert frames_ahead(configure(source, camera={"source": source, "pace": pace}).camera) == ahead


def test_pipeline_tells_a_clip_in_few_events_when_only_what_is_new_counts(make):
    pipeline = make(configure(CLIP, capture={"new_object": True}))
    pipeline.run(Outage(LOG, "camera"))
    health = pipeline.measure()
    assert health.frames == 120
    assert 1 <= health.events <= health.withheld / 4


def read_spooled(spool: Spool) -> list[NewEvent]:
    records = spool.read(spool.sending().name, 0, 1000, 2**30).records
    return [NewEvent.model_validate_json(record.line) for record in records]


def test_pipeline_tells_of_sampled_frames_beside_the_detections_it_tells_anyway(make, spool):
    make(configure(CLIP)).run(Outage(LOG, "camera"))
    plain = read_spooled(spool)
    sampling = {"empty_share": 1.0, "candidates_from": 0.05, "candidates_every_s": 0}
    make(configure(CLIP, sampling=sampling)).run(Outage(LOG, "camera"))
    sampled = read_spooled(spool)[len(plain) :]
    seen = [event.detections for event in sampled if event.detections]
    assert seen == [event.detections for event in plain]
    assert len(sampled) == 120
    why = {event.attributes.get("sampled") for event in sampled if not event.detections}
    assert {"empty"} <= why <= {"empty", "candidates"}
    for event in sampled:
        told = event.attributes.get("candidates", [])
        assert all(0.05 <= one["confidence"] < event.attributes["threshold"] for one in told)
        assert (event.attributes.get("sampled") == "candidates") == (bool(told) and not event.detections)
    assert not any({"threshold", "candidates", "sampled"} & event.attributes.keys() for event in plain)


async def test_pipeline_goes_on_looking_when_the_disk_makes_the_spool_wait(
    make, spool, network_camera, in_thread, wait_until
):
    network_camera.pictures = 10**6
    pipeline = make(configure(network_camera.url, agent={"device": "cam-1", "publish_empty": True}))
    other = sqlite3.connect(spool.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    in_thread(pipeline)
    await wait_until(lambda: pipeline.counters.frames > 300)
    assert pipeline.counters.events == 0
    other.execute("ROLLBACK")
    other.close()
    await wait_until(lambda: pipeline.counters.events > 100)
    assert pipeline.measure().dropped > 0


def test_pipeline_raises_what_the_source_says_when_it_gives_no_frames(make):
    with pytest.raises(CameraError, match="no such file"):
        make(configure("missing.avi")).run(Outage(LOG, "camera"))


def test_pipeline_shows_each_frame_it_looked_at_on_the_screen(spool):
    screen = Screen()
    Pipeline(configure(CLIP), spool, Detector(DEFAULT_MODEL), screen).run(Outage(LOG, "camera"))
    assert screen.wait(0, 0) == 120


def test_pipeline_ends_soon_when_it_is_stopped(make):
    pipeline = make(configure(CLIP, camera={"source": str(CLIP), "pace": True, "passes": 0}))
    threading.Timer(0.3, pipeline.stop).start()
    pipeline.run(Outage(LOG, "camera"))
    assert pipeline.counters.frames < 120


def test_pipeline_goes_through_a_folder_of_odd_pictures(make, spool, tmp_path):
    for number, shape in enumerate([(1, 1, 3), (10_000, 3, 3), (3, 10_000, 3), (48, 64), (48, 64, 4)]):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full(shape, 90, np.uint8))
    cv2.imwrite(str(tmp_path / "5.png"), np.full((48, 64, 3), 40_000, np.uint16))
    (tmp_path / "6.jpg").write_bytes(b"no picture")
    pipeline = make(configure(tmp_path, agent={"device": "cam-1", "publish_empty": True}))
    pipeline.run(Outage(LOG, "camera"))
    records = spool.read(spool.sending().name, 0, 100, 2**30).records
    frames = [json.loads(record.line)["frame"] for record in records]
    assert [(frame["width"], frame["height"]) for frame in frames] == [
        (1, 1),
        (3, 10_000),
        (10_000, 3),
        *[(64, 48)] * 3,
    ]
    assert (pipeline.measure().frames, pipeline.measure().unreadable) == (6, 1)
