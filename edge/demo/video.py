"""Writes a clip and, beside it, the truth about each of its frames."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

FPS = 10
WIDTH, HEIGHT = 640, 360


def write_clip(path: Path, seed: int, frames: Iterable[tuple[NDArray[np.uint8], dict[str, Any]]]) -> None:
    """Write frames, each with what is true of it, to `path` (VP8 in WebM) and the truth beside it as .json.

    Args:
        path: The clip's.
        seed: That the frames were drawn from, for the record.
        frames: (360, 640, 3) uint8 BGR, each with its entry in the truth.

    Raises:
        OSError: OpenCV cannot write the video there.
    """
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise OSError(f"{path}: OpenCV cannot write a VP8 video here")
    truth = []
    for number, (pixels, entry) in enumerate(frames):
        writer.write(pixels)
        truth.append({"frame": number, **entry})
    writer.release()
    head = {"clip": path.name, "seed": seed, "width": WIDTH, "height": HEIGHT, "fps": FPS}
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in truth)
    text = f'{json.dumps(head)[:-1]}, "frames": [\n{lines}\n]}}\n'
    path.with_suffix(".json").write_text(text, encoding="utf-8")
