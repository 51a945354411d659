"""What the detector is to say about a picture: how hot each cell is, and the box of those that count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLDEST = 0.1  # of a bump; what is colder counts as nothing


@dataclass(frozen=True, eq=False)
class Targets:
    """Of one picture: heat (1, rows, columns), corners in cells (4, rows, columns), and where those count."""

    heat: NDArray[np.float32]
    corners: NDArray[np.float32]
    counts: NDArray[np.float32]


def draw_targets(boxes: NDArray[np.float32], cells: tuple[int, int]) -> Targets:
    """Return the targets of a picture with boxes (n, 4), their corners in cells; `cells` is rows, columns."""
    heat, counts = np.zeros((2, 1, *cells), np.float32)
    corners = np.zeros((4, *cells), np.float32)
    y, x = np.mgrid[: cells[0], : cells[1]]
    for box in boxes:
        middle = ((box[:2] + box[2:]) / 2).astype(int)
        column, row = middle.clip(0, (cells[1] - 1, cells[0] - 1))
        radius = max(1.0, float((box[2:] - box[:2]).max()) * 0.16)
        bump = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * radius**2)).astype(np.float32)
        heat[0] = np.maximum(heat[0], np.where(bump < COLDEST, 0, bump))
        near = (slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2))
        corners[:, *near] = box[:, None, None]
        counts[:, *near] = 1
    return Targets(heat, corners, counts)
