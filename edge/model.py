"""Models: a folder with a network (IR or ONNX) and its card, run by OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.kinds import classification, segmentation, ssd
from edge.kinds.outputs import OutputError, Reader
from edge.model_card import SHIPPED, ModelCard, read_card, shipped_models
from edge.model_input import as_bgr, prepare
from edge.network import compile_network, find_network, last_line, read_network
from edge.runtime import load_openvino
from hub.draw.letterbox import Letterbox
from hub.errors import ConfigError
from hub.event import Detection, Model
from hub.wire.protocol import AgentModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SHIPPED", "Detector", "ModelCard", "read_card", "shipped_models"]
KINDS = {
    "ssd": ssd.find_reader,
    "classification": classification.find_reader,
    "segmentation": segmentation.find_reader,
}


class Detector:
    """A loaded model. Not thread-safe: one call at a time.

    Args:
        folder: Where the network (model.xml and model.bin, or model.onnx) and model.toml are; where both card
            and network are given, only what to call them in messages.
        device: Where to run it (CPU, GPU, NPU, AUTO), in place of what model.toml says.
        threads: How many threads the CPU may use; None for as many as OpenVINO thinks best.
        card: In place of model.toml.
        network: OpenVINO's model, in place of the folder's.

    Raises:
        ConfigError: Something is missing, cannot be read, or does not fit together.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str | None = None,
        threads: int | None = None,
        card: ModelCard | None = None,
        network: Any = None,
    ) -> None:
        self.card = card or read_card(folder)
        path = folder if network else find_network(folder)
        network = network or read_network(path)
        _fix_input(path, network, self.card)
        self.device = device or self.card.device
        try:
            self._request = compile_network(network, self.device, threads)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        self._read = _find_reader(path, network, self.card, self.infer(_blank(self.card)))

    @property
    def model(self) -> Model:
        """The model's name and version, as events carry them."""
        return Model(name=self.card.name, version=self.card.version)

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
        if not pixels.size:
            return ()
        letterbox = self._fit(pixels)
        found = self._read(self.infer(prepare(as_bgr(pixels), letterbox, self.card)), letterbox)
        return tuple(sorted(found, key=lambda detection: -detection.confidence))

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the network's input of (height, width, 3) uint8 BGR pixels."""
        return prepare(as_bgr(pixels), self._fit(pixels), self.card)

    def infer(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the network's outputs for an input; the next call overwrites them."""
        return list(self._request.infer({0: values}, share_inputs=True, share_outputs=True).values())

    def _fit(self, pixels: NDArray[np.uint8]) -> Letterbox:
        return Letterbox.fit(pixels.shape[1], pixels.shape[0], self.card.width, self.card.height)


def _blank(card: ModelCard) -> NDArray[Any]:
    import numpy as np

    return np.zeros(card.input_shape, np.float32)


def _fix_input(path: Path, network: Any, card: ModelCard) -> None:
    """Give the network the card's input shape where it leaves it open, and let it take floats."""
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
        if network.inputs[0].get_element_type().to_string() != "f32":
            _take_floats(network)
    except RuntimeError as error:
        raise ConfigError(f"{path}: cannot take an input {wanted}: {last_line(error)}") from error


def _take_floats(network: Any) -> None:
    """Let a network that takes another type convert its input itself."""
    openvino = load_openvino()
    steps = openvino.preprocess.PrePostProcessor(network)
    steps.input().tensor().set_element_type(openvino.Type.f32)
    steps.build()


def _find_reader(path: Path, network: Any, card: ModelCard, arrays: list[NDArray[Any]]) -> Reader:
    names = [next(iter(sorted(port.names)), f"output {n}") for n, port in enumerate(network.outputs)]
    try:
        return KINDS[card.kind](card, dict(zip(names, arrays, strict=True)))
    except OutputError as error:
        raise ConfigError(f"{path}: {error}") from error
