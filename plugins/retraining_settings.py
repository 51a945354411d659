"""The settings of retraining."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from hub.event import Name
from plugins.capture_settings import CaptureSettings
from plugins.class_ids import MAX_CLASSES
from plugins.place_settings import PlaceSettings

MIN_SIDE, MAX_SIDE = 16, 4096

Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE)]


class TrainingSet(PlaceSettings):
    """Where the training set is, the size of its pictures, and its classes."""

    folder: Path = Field(
        default=Path("training"), description="the training set is in this folder; not together with bucket"
    )
    width: Side | None = Field(
        default=None, description="of the pictures, in pixels; without it the model's input, else 512"
    )
    height: Side | None = Field(default=None, description="of the pictures; set both or neither")
    labels: Annotated[tuple[Name, ...], Field(max_length=MAX_CLASSES)] = Field(
        default=(), description="labels in the order of their class ids, for detections that bring none"
    )


class RetrainingSettings(CaptureSettings, TrainingSet):
    """The training set, and what comes into it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("set width and height, or neither for the model's input size")
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise ValueError(f"labels: {', '.join(twice)} is there twice")
        self.check_strategies()
        return self
