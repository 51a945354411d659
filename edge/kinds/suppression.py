"""Non-maximum suppression, for models that do not do it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def suppress(corners: NDArray[Any], numbers: NDArray[Any], limit: float) -> NDArray[np.int64]:
    """Return which boxes stay when those that overlap a better one of the same label are left out.

    Args:
        corners: (n, 4) xmin, ymin, xmax, ymax, best first.
        numbers: (n,) label numbers.
        limit: The intersection over union (0..1) above which the less sure of two boxes is left out.
    """
    left = np.arange(len(corners))
    stay: list[int] = []
    while left.size:
        best, left = int(left[0]), left[1:]
        stay.append(best)
        same = numbers[left] == numbers[best]
        left = left[~same | (overlap(corners[best], corners[left]) <= limit)]
    return np.array(stay, np.int64)


def overlap(one: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Return the intersection over union of a box with each of (n, 4) others; 0 for boxes without area."""
    sides = np.minimum(one[2:], others[:, 2:]) - np.maximum(one[:2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    joined = (one[2:] - one[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    return np.where(joined > 0, shared / np.where(joined > 0, joined, 1), 0.0)
