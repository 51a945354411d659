"""Models: a folder with model.xml, model.bin and model.toml, run by OpenVINO on the CPU."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.problems import list_problems
from edge.runtime import load_openvino
from hub.draw.letterbox import Letterbox
from hub.errors import ConfigError
from hub.event import Box, Detection, Model, Name, Side
from hub.wire.protocol import AgentModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHIPPED = Path(__file__).with_name("models")
FARTHEST = 100.0  # a box that reaches so many inputs away is nonsense
FARTHEST = 100.0  # a box that reaches so many inputs away is nonsense
Threshold = Annotated[float, Field(ge=0, le=1)]


class ModelCard(BaseModel):
    """What model.toml says of a model.

    `labels` are in the order of the label numbers that the model gives. `thresholds` overrides `threshold`
    for single labels. `colours` is the order of the channels that the model was trained with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Name
    kind: Literal["ssd"]
    labels: Annotated[tuple[Name, ...], Field(min_length=1)]
    width: Side
    height: Side
    fit: Literal["letterbox"] = "letterbox"
    colours: Literal["rgb", "bgr"] = "rgb"
    threshold: Threshold = 0.5
    thresholds: dict[str, Threshold] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_thresholds(self) -> Self:
        if unknown := sorted(set(self.thresholds) - set(self.labels)):
            raise ValueError(f"thresholds for unknown labels {unknown} (known: {', '.join(self.labels)})")
        return self

    def threshold_of(self, label: str) -> float:
        """Return the confidence (0..1) from which a detection of a label counts."""
        return self.thresholds.get(label, self.threshold)


class Detector:
    """A loaded model. Not thread-safe: one call of `detect` at a time.

    Args:
        folder: Where model.xml, model.bin and model.toml are.

    Raises:
        ConfigError: Something is missing, cannot be read, or does not fit together.
    """

    def __init__(self, folder: Path) -> None:
        self.card = read_card(folder)
        self._request = _compile(folder, self.card)

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
        """Return what a frame shows, best first, with boxes in fractions of the frame.

        Args:
            pixels: (height, width, 3) uint8 BGR, of any size.
        """
        import numpy as np

        letterbox = Letterbox.fit(pixels.shape[1], pixels.shape[0], self.card.width, self.card.height)
        picture = letterbox.resize(pixels)
        if self.card.colours == "rgb":
            picture = picture[:, :, ::-1]
        rows = self._request.infer({0: picture.transpose(2, 0, 1)[None].astype(np.float32)})[0]
        found = [self._read_row(row, letterbox) for row in rows.reshape(-1, 6).tolist()]
        kept = [detection for detection in found if detection is not None]
        return tuple(sorted(kept, key=lambda detection: -detection.confidence))

    def _read_row(self, row: list[float], letterbox: Letterbox) -> Detection | None:
        """Read (label, score, xmin, ymin, xmax, ymax); None when it is below the label's threshold."""
        number, score, *corners = row
        sane = all(-FARTHEST < corner < FARTHEST for corner in corners)  # not so for NaN
        if not sane or corners[2] < corners[0] or corners[3] < corners[1]:
            return None
        if not 0 <= number < len(self.card.labels):
            return None
        label = self.card.labels[int(number)]
        if not score >= self.card.threshold_of(label):
            return None
        box = letterbox.to_frame(Box.from_corners(*corners))
        return Detection(label=label, confidence=min(score, 1.0), box=box, class_id=int(number))


def read_card(folder: Path) -> ModelCard:
    """Read a model folder's model.toml.

    Raises:
        ConfigError: It is missing or wrong; with every problem.
    """
    path = folder / "model.toml"
    try:
        return ModelCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror} (is this a model folder?)") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(*list_problems(str(path), error, ModelCard)) from error


def shipped_models() -> list[Path]:
    """Return the folders of the models that come with the agent."""
    return sorted(path.parent for path in SHIPPED.glob("*/model.toml"))


def _compile(folder: Path, card: ModelCard) -> Any:
    path = folder / "model.xml"
    if missing := [name for name in ("model.xml", "model.bin") if not (folder / name).is_file()]:
        raise ConfigError(f"{folder}: {' and '.join(missing)} missing (is this a model folder?)")
    # f32: on CPUs with bf16 the default would be bf16, and results would depend on the machine
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    try:
        core = load_openvino().Core()
        network = core.read_model(path)
        _check_shapes(path, network, card)
        return core.compile_model(network, "CPU", options).create_infer_request()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ConfigError(f"{path}: OpenVINO cannot load it: {reason}") from error


def _check_shapes(path: Path, network: Any, card: ModelCard) -> None:
    shape_of = load_openvino().PartialShape
    ins = [port.get_partial_shape() for port in network.inputs]
    outs = [port.get_partial_shape() for port in network.outputs]
    wanted = [1, 3, card.height, card.width]
    if len(ins) != 1 or not ins[0].compatible(shape_of(wanted)):
        raise ConfigError(f"{path}: takes {_words(ins)}; model.toml's size needs one input {wanted}")
    if len(outs) != 1 or not outs[0].compatible(shape_of([1, -1, 6])):
        raise ConfigError(f"{path}: gives {_words(outs)}; kind 'ssd' needs one output [1,N,6]")


def _words(shapes: list[Any]) -> str:
    return ", ".join(str(shape) for shape in shapes) or "nothing"
