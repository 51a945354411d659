"""Does the model load, and does it run?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.check.finding import Finding
from edge.model import Detector
from hub.errors import ConfigError

if TYPE_CHECKING:
    from edge.camera_tables import ModelTable
    from edge.shot import Shot

PART = "model"


def check_model(
    table: ModelTable, shot: Shot | None, candidates_from: float | None = None
) -> tuple[list[Finding], Detector | None]:
    """Return the findings, and the model if it runs.

    Args:
        table: The model's folder, and where it is to run.
        shot: A frame to run it on; None for a grey one.
        candidates_from: As [sampling] says.
    """
    import numpy as np

    try:
        detector = Detector(
            table.path, device=table.device, threads=table.threads, candidates_from=candidates_from
        )
    except ConfigError as error:
        return [Finding(part=PART, state="wrong", text=problem) for problem in error.problems], None
    pixels = np.full((480, 640, 3), 128, np.uint8) if shot is None else shot.pixels
    began = time.perf_counter()
    try:
        detector.detect(pixels)
    except RuntimeError as error:  # OpenVINO's
        reason = str(error).strip().splitlines()[-1]
        return [Finding(part=PART, state="wrong", text=f"{table.path}: does not run: {reason}")], None
    model, took_ms = detector.model, 1000 * (time.perf_counter() - began)
    text = f"{model.name} {model.version} runs on {detector.device}: {took_ms:.0f} ms for a frame"
    return [Finding(part=PART, state="ok", text=text)], detector
