"""A shot: one frame as it was taken from a camera, a file or a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import HubError

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


class CameraError(HubError):
    """A camera, file or folder that gives no frames (any more)."""


@dataclass(frozen=True, eq=False, slots=True)
class Shot:
    """(height, width, 3) uint8 BGR pixels; `number` counts from 0 in the file, `run` counts passes from 1."""

    pixels: NDArray[np.uint8]
    taken_at: datetime
    number: int
    run: int = 1
