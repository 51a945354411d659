"""Does the camera give a frame?"""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING, cast

from edge.check.finding import Finding
from edge.outage import Outage
from edge.shot import CameraError, Shot
from edge.source import name_source, open_source

if TYPE_CHECKING:
    from collections.abc import Generator

    from edge.config import CameraTable

PART = "camera"
FRAME_S = 15.0
SILENT = logging.getLogger("edge.check.camera")  # what it would say becomes a finding
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


def check_camera(camera: CameraTable) -> tuple[Finding, Shot | None]:
    """Return the finding, and the first frame if there is one; waits up to `FRAME_S` for it."""
    name = name_source(camera.source)
    try:
        shot, trouble = _take_frame(camera)
    except CameraError as error:
        return Finding(part=PART, state="wrong", text=str(error)), None
    if shot is None:
        reason = trouble or f"gives no frame within {FRAME_S:.0f} s"
        return Finding(part=PART, state="wrong", text=f"{name}: {reason}"), None
    height, width = shot.pixels.shape[:2]
    return Finding(part=PART, state="ok", text=f"{name} gives frames of {width} x {height}"), shot


def _take_frame(camera: CameraTable) -> tuple[Shot | None, str]:
    stopped, reasons = threading.Event(), [""]

    def give_up(trouble: str) -> None:
        reasons.append(trouble.partition(": ")[2].removesuffix("; trying again"))
        stopped.set()

    deadline = threading.Timer(FRAME_S, stopped.set)
    deadline.daemon = True
    deadline.start()
    shots = cast("Generator[Shot]", open_source(camera, stopped, Outage(SILENT, PART, give_up)))
    try:
        with closing(shots):
            return next(shots, None), reasons[-1]
    finally:
        deadline.cancel()
