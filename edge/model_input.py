"""Makes a model's input of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.model_card import ModelCard
    from hub.draw.letterbox import Letterbox


def as_bgr(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame as (height, width, 3) uint8 BGR; it may be BGRA, or grey in two or three dimensions."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
    return pixels[:, :, :3]


def prepare(pixels: NDArray[np.uint8], letterbox: Letterbox, card: ModelCard) -> NDArray[Any]:
    """Return the float32 input, of `card.input_shape`, of (height, width, 3) uint8 BGR pixels."""
    picture = _order_channels(letterbox.resize(pixels), card)
    if card.layout == "nchw":
        picture = picture.transpose(2, 0, 1)
    values = picture[None].astype(np.float32, order="C")  # OpenVINO would copy anything else
    if card.mean != (0.0,) or card.scale != (1.0,):
        values = (values - _spread(card.mean, card)) / _spread(card.scale, card)
    return values


def _order_channels(picture: NDArray[np.uint8], card: ModelCard) -> NDArray[np.uint8]:
    if card.colours == "grey":
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)[:, :, None]
    return picture[:, :, ::-1] if card.colours == "rgb" else picture


def _spread(values: tuple[float, ...], card: ModelCard) -> NDArray[np.float32]:
    """Return one value, or one for each channel, in a shape that goes with the input."""
    return np.array(values, np.float32).reshape((1, -1, 1, 1) if card.layout == "nchw" else (1, 1, 1, -1))
