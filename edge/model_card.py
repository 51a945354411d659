"""The card of a model, model.toml: what it is called, what it takes, and what its answers mean."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.problems import list_problems
from hub.errors import ConfigError
from hub.event import MAX_DETECTIONS, Name, Side

SHIPPED = Path(__file__).with_name("models")
MAX_BYTES = 2**20  # of a model.toml, and of a file with labels
MAX_INPUT_PIXELS = 4096**2
Kind = Literal["ssd", "classification", "segmentation"]
Part = Literal["boxes", "scores", "labels"]


def _check_fraction(value: float) -> float:
    if not 0 <= value <= 1:  # nan is not either
        raise ValueError("must be a number 0..1")
    return value


Threshold = Annotated[float, AfterValidator(_check_fraction)]
Number = Annotated[int, Field(ge=0, lt=2**20)]
Mean = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Scale = Annotated[float, Field(ge=1e-6, le=1e6)]  # beyond it 32 bits have no room


class ModelCard(BaseModel):
    """What model.toml says of a model; docs/models.md explains each setting.

    `labels` are in the order of the label numbers that the model gives; `classes` names single numbers
    instead or besides, and goes before. `thresholds` overrides `threshold` for single labels. A pixel
    (0..255) goes into the model as (pixel - mean) / scale, its channels in the order of `colours`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Name
    kind: Kind
    labels: tuple[Name, ...] = ()
    classes: dict[Number, Name] = Field(default_factory=dict)
    ignore: tuple[Name, ...] = ()
    width: Side
    height: Side
    fit: Literal["letterbox"] = "letterbox"
    colours: Literal["rgb", "bgr", "grey"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    mean: Annotated[tuple[Mean, ...], Field(min_length=1, max_length=3)] = (0.0,)
    scale: Annotated[tuple[Scale, ...], Field(min_length=1, max_length=3)] = (1.0,)
    device: Annotated[str, Field(pattern=r"^[A-Z]+(\.\d+)?$")] = "CPU"
    threshold: Threshold = 0.5
    thresholds: dict[str, Threshold] = Field(default_factory=dict)
    scores: Literal["probabilities", "logits"] = "probabilities"
    top_k: Annotated[int, Field(ge=1, le=MAX_DETECTIONS)] = 1
    min_area: Threshold = 0.01
    box_order: Literal["xyxy", "yxyx"] = "xyxy"
    box_unit: Literal["fraction", "pixel"] = "fraction"
    nms: Annotated[float, Field(gt=0, le=1)] | None = None
    max_detections: Annotated[int, Field(ge=1, le=MAX_DETECTIONS)] = 100
    outputs: dict[Part, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        known = {*self.labels, *self.classes.values()}
        if not known:
            raise ValueError("has no labels (give labels, labels_file or classes)")
        for name, given in (("thresholds", self.thresholds), ("ignore", self.ignore)):
            if unknown := sorted(set(given) - known):
                raise ValueError(f"{name} for unknown labels {unknown} (known: {', '.join(sorted(known))})")
        return self

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        for name, values in (("mean", self.mean), ("scale", self.scale)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} has {len(values)} values (one, or one for each of {self.channels})")
        return self

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if self.width * self.height > MAX_INPUT_PIXELS:
            raise ValueError(f"takes {self.width} x {self.height} pixels (at most {MAX_INPUT_PIXELS})")
        return self

    @property
    def channels(self) -> int:
        """How many values a pixel of the input has."""
        return 1 if self.colours == "grey" else 3

    @property
    def input_shape(self) -> list[int]:
        """The shape of the model's input."""
        size = [self.height, self.width]
        return [1, self.channels, *size] if self.layout == "nchw" else [1, *size, self.channels]

    def label_of(self, number: int) -> str | None:
        """Return the label of a number; None if it has none or is to be ignored."""
        listed = self.labels[number] if 0 <= number < len(self.labels) else None
        label = self.classes.get(number, listed)
        return None if label in self.ignore else label

    def threshold_of(self, label: str) -> float:
        """Return the confidence (0..1) from which a detection of a label counts."""
        return self.thresholds.get(label, self.threshold)


def read_card(folder: Path) -> ModelCard:
    """Read a model folder's model.toml, and the file with the labels if it names one.

    Raises:
        ConfigError: Something is missing or wrong; with every problem.
    """
    path = folder / "model.toml"
    try:
        settings = tomllib.loads(_read_small(path).decode("utf-8"))
        return ModelCard.model_validate(_with_labels(settings, folder))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file (is this a model folder?)") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(*list_problems(str(path), error, ModelCard)) from error


def read_labels(path: Path) -> tuple[str, ...]:
    """Read a file with one label a line, in the order of their numbers; line ends may be of any kind.

    Raises:
        ConfigError: It cannot be read, is too long, or a line is empty.
    """
    try:
        text = _read_small(path).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is no UTF-8: {error}") from error
    labels = [line.strip() for line in text.rstrip().splitlines()]
    if "" in labels:
        line = labels.index("") + 1
        raise ConfigError(f"{path}: line {line} is empty (give number {line - 1} a name, and ignore that)")
    return tuple(labels)


def shipped_models() -> list[Path]:
    """Return the folders of the models that come with the agent."""
    return sorted(path.parent for path in SHIPPED.glob("*/model.toml"))


def _read_small(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        FileNotFoundError: There is none.
        ConfigError: It is something else than a file, too long, or cannot be read.
    """
    try:
        if path.exists() and not path.is_file():  # reading a FIFO or a device may never end
            raise ConfigError(f"{path}: is no file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: has more than {MAX_BYTES} bytes")
    return data


def _with_labels(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Put the labels of the file that `labels_file` names in its place."""
    if "labels_file" not in settings:
        return settings
    rest = {name: value for name, value in settings.items() if name != "labels_file"}
    file, place = settings["labels_file"], f"{folder / 'model.toml'}: labels_file"
    if "labels" in rest or not isinstance(file, str) or "\0" in file:
        raise ConfigError(f"{place}: must be a file's name, without labels beside")
    if not (folder / file).resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{place}: must lie in the model's folder")
    return rest | {"labels": read_labels(folder / file)}
