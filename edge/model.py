"""Models: a folder with a network (IR or ONNX) and its card, run by OpenVINO."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.inference import Inference
from edge.kinds import classification, segmentation, ssd
from edge.kinds.outputs import OutputError, Reader
from edge.model_card import SHIPPED, ModelCard, read_card, shipped_models
from edge.model_input import echo, take_pictures
from edge.network import compile_network, find_network, last_line, read_network
from edge.runtime import load_openvino
from hub.draw.letterbox import Letterbox
from hub.errors import ConfigError
from hub.event import MAX_DETECTIONS, Detection, Model
from hub.wire.protocol import AgentModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SHIPPED", "Detector", "ModelCard", "read_card", "shipped_models"]
KINDS = {
    "ssd": ssd.find_reader,
    "classification": classification.find_reader,
    "segmentation": segmentation.find_reader,
}


class Detector:
    """A loaded model. Not thread-safe: one call at a time.

    `detect` looks at one frame. Who has many frames ready can `start` up to `ahead` before the oldest is
    finished: while the network runs on those the next one is prepared, and the last one's answer read.

    Args:
        folder: Where the network (model.xml and model.bin, or model.onnx) and model.toml are; where both card
            and network are given, only what to call them in messages.
        device: Where to run it (CPU, GPU, NPU, AUTO), in place of what model.toml says.
        threads: How many threads the CPU may use; None for as many as OpenVINO thinks best.
        ahead: How many frames may be unfinished when the next one is started. 0 gives each frame's answer
            soonest, more gives most frames a second.
        card: In place of model.toml.
        network: OpenVINO's model, in place of the folder's.
        candidates_from: Also read what the model sees with at least this confidence and less than its
            threshold; see `candidates`. None: nothing below the threshold.

    Raises:
        ConfigError: Something is missing, cannot be read, or does not fit together.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str | None = None,
        threads: int | None = None,
        ahead: int = 0,
        card: ModelCard | None = None,
        network: Any = None,
        candidates_from: float | None = None,
    ) -> None:
        self.card = card or read_card(folder)
        path = folder if network else find_network(folder)
        network = network or read_network(path)
        self.device, self.ahead = device or self.card.device, ahead
        self.inference_s = 0.0
        """Seconds that the network took for the frame that was finished last."""
        self.candidates: tuple[Detection, ...] = ()
        """What was below the threshold in the frame that was finished last, best first."""
        self._sifts = candidates_from is not None
        network = _fit_input(path, network, self.card)
        try:
            compiled = compile_network(network, self.device, threads, ahead)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        self._idle = deque(Inference(compiled) for _ in range(ahead + 1))
        self._started: deque[tuple[Inference, Letterbox] | None] = deque()
        read_as = self.card if candidates_from is None else _lower(self.card, candidates_from)
        self._read = _find_reader(path, network, read_as, self._idle[0].run())

    @property
    def model(self) -> Model:
        """The model's name and version, as events carry them."""
        return Model(name=self.card.name, version=self.card.version)

    @property
    def title(self) -> str:
        """The model's name and version, for people."""
        return f"{self.card.name} {self.card.version}"

    @property
    def agent_model(self) -> AgentModel:
        """The model as the hub is told of it."""
        card = self.card
        return AgentModel(name=card.name, version=card.version, width=card.width, height=card.height)

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """Return what a frame shows, best first, with boxes (if any) in fractions of the frame.

        Args:
            pixels: (height, width, 3) uint8 BGR, of any size; grey and BGRA will do.
        """
        self.start(pixels)
        return self.finish()

    def start(self, pixels: NDArray[np.uint8]) -> None:
        """Begin to look at a frame as `detect` takes it; `ahead` others may be unfinished."""
        if not pixels.size:
            self._started.append(None)
            return
        inference = self._idle.popleft()
        self._started.append((inference, inference.fit(pixels)))
        inference.start()

    def finish(self) -> tuple[Detection, ...]:
        """Return what `detect` would of the frame that was started first of those unfinished."""
        started = self._started.popleft()
        self.candidates = ()
        if started is None:
            return ()
        inference, letterbox = started
        found = self._read(inference.wait(), letterbox)
        self.inference_s = inference.took_s
        self._idle.append(inference)
        best_first = tuple(sorted(found, key=lambda detection: -detection.confidence))
        return self._sift(best_first) if self._sifts else best_first

    def _sift(self, found: tuple[Detection, ...]) -> tuple[Detection, ...]:
        """Put candidates aside; return the detections, no more than the card allows."""
        # In 32 bits, as the kinds compare.
        counts = [
            np.float32(one.confidence) >= np.float32(self.card.threshold_of(one.label)) for one in found
        ]
        self.candidates = tuple(one for one, sure in zip(found, counts, strict=True) if not sure)
        most = {"ssd": self.card.max_detections, "classification": self.card.top_k}.get(self.card.kind)
        return tuple(one for one, sure in zip(found, counts, strict=True) if sure)[:most]

    def rehearse(self, pixels: NDArray[np.uint8]) -> Callable[[], object]:
        """Return a function that runs the network alone on a frame, again and again."""
        inference = self._idle[0]
        inference.fit(pixels)
        return inference.run

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the values, float32 of `card.input_shape`, that the network is given of a frame."""
        self._steps.fit(pixels)
        return self._steps.run()[0].copy()

    @cached_property
    def _steps(self) -> Inference:
        """What stands before the network, by itself."""
        return Inference(compile_network(take_pictures(echo(self.card), self.card), "CPU"))


def _lower(card: ModelCard, candidates_from: float) -> ModelCard:
    """Return a card by which candidates are read too; they take no detection's place.

    Raises:
        ConfigError: No label's threshold is above `candidates_from`.
    """
    thresholds = {label: min(own, candidates_from) for label, own in card.thresholds.items()}
    highest = max([card.threshold, *card.thresholds.values()])
    if candidates_from >= highest:
        raise ConfigError(
            f"sampling.candidates_from: {candidates_from:g} is not below the threshold of {card.name}"
            f" ({highest:g})"
        )
    lowered = {"threshold": min(card.threshold, candidates_from), "thresholds": thresholds}
    return card.model_copy(update={**lowered, "top_k": MAX_DETECTIONS, "max_detections": MAX_DETECTIONS})


def _fit_input(path: Path, network: Any, card: ModelCard) -> Any:
    """Give the network the card's input shape where it leaves it open; return one that takes pictures."""
    wanted = card.input_shape
    shapes = [port.get_partial_shape() for port in network.inputs]
    if len(shapes) != 1 or not shapes[0].compatible(load_openvino().PartialShape(wanted)):
        found = ", ".join(str(shape) for shape in shapes) or "nothing"
        raise ConfigError(
            f"{path}: takes {found}; model.toml's size, colours and layout need one input {wanted}"
        )
    try:
        if shapes[0].is_dynamic:
            network.reshape(wanted)
        return take_pictures(network.clone(), card)
    except RuntimeError as error:
        raise ConfigError(f"{path}: cannot take an input {wanted}: {last_line(error)}") from error


def _find_reader(path: Path, network: Any, card: ModelCard, arrays: list[NDArray[Any]]) -> Reader:
    names = [next(iter(sorted(port.names)), f"output {n}") for n, port in enumerate(network.outputs)]
    try:
        return KINDS[card.kind](card, dict(zip(names, arrays, strict=True)))
    except OutputError as error:
        raise ConfigError(f"{path}: {error}") from error
