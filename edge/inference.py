"""One inference at a time: a picture that frames are fitted into, and the network that runs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge.model_input import as_bgr
from edge.runtime import load_openvino
from hub.draw.letterbox import BORDER_GREY, Letterbox

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Inference:
    """A request of OpenVINO's with an input of its own, so that nothing is copied on the way in or out.

    Args:
        compiled: The network, made ready to run, that takes (1, height, width, 3) uint8 pictures.
    """

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._outputs = range(len(compiled.outputs))
        self._picture = np.full(tuple(compiled.inputs[0].shape), BORDER_GREY, np.uint8)
        self._request.set_input_tensor(load_openvino().Tensor(self._picture, shared_memory=True))
        self._fit: Letterbox | None = None

    def fit(self, pixels: NDArray[np.uint8]) -> Letterbox:
        """Fit a frame, with pixels as `as_bgr` takes them, into the picture; return where it lies."""
        height, width = self._picture.shape[1:3]
        letterbox = Letterbox.fit(pixels.shape[1], pixels.shape[0], width, height)
        if letterbox != self._fit:
            self._picture.fill(BORDER_GREY)
            self._fit = letterbox
        letterbox.place(as_bgr(pixels), self._picture[0])
        return letterbox

    def start(self) -> None:
        """Begin to run the network on the picture, which must stay as it is until `wait` returns."""
        self._request.start_async()

    def wait(self) -> list[NDArray[Any]]:
        """Return the network's outputs once it has run; the next run overwrites them."""
        self._request.wait()
        return [self._request.get_output_tensor(number).data for number in self._outputs]

    def run(self) -> list[NDArray[Any]]:
        """Run the network on the picture and return its outputs, as `wait` does."""
        self.start()
        return self.wait()

    @property
    def took_s(self) -> float:
        """Seconds that the last run took."""
        return float(self._request.latency) / 1000
