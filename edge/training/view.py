"""A pinhole camera before a flat card: where the card's points fall when the camera stands to the side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOCAL = 0.866  # of the frame's width: a camera that sees 60 degrees from left to right
SIDES_DEGREES = (0, 90, 180, 270)  # camera to the right, below, to the left, above


def view_card(angle_degrees: float, side_degrees: float, distance: float) -> NDArray[np.float64]:
    """Return the (3, 3) homography from a card, as seen head-on, to the same card seen from the side.

    The card's middle is the origin of both and stays there; units are any, y goes down.

    Args:
        angle_degrees: Between the card's normal and the line to the camera, 0 to less than 90.
        side_degrees: Where the camera stands; 0 is to the right, 90 is below.
        distance: From the camera to the card's middle, in the card's units.
    """
    side = np.deg2rad(side_degrees)
    axis = np.array([-np.sin(side), np.cos(side), 0.0]) * np.deg2rad(angle_degrees)
    turn = cv2.Rodrigues(axis)[0]
    flat = np.vstack([distance * turn[:2, :2], turn[2, :2]])
    return np.column_stack([flat, [0.0, 0.0, distance]])


def turn_in_plane(angle_degrees: float, scale: float) -> NDArray[np.float64]:
    """Return the (3, 3) homography that turns around the origin and scales."""
    angle = np.deg2rad(angle_degrees)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def shift(x: float, y: float) -> NDArray[np.float64]:
    """Return the (3, 3) homography that moves by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def move(points: NDArray[np.float64], homography: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where a homography puts (n, 2) points."""
    moved = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(moved[:, :2] / moved[:, 2:])
