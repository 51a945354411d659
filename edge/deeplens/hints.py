"""What a model.toml beside a model may say to `awscam.Model`; none is needed for a model of the device."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.model_card import Part
from edge.problems import list_problems
from hub.errors import ConfigError


class Hints(BaseModel):
    """The part of a model's card that is not in the function: docs/models.md explains each setting.

    A function gives BGR pixels of 0..255 and knows the labels; `mean`, `scale` and `colours` are what the
    network wants of them, the others what its boxes are.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    colours: Literal["rgb", "bgr", "grey"] = "bgr"
    mean: tuple[float, ...] = Field(default=(0.0,), min_length=1, max_length=3)
    scale: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(1.0,), min_length=1, max_length=3)
    box_order: Literal["xyxy", "yxyx"] = "xyxy"
    box_unit: Literal["fraction", "pixel"] = "fraction"
    nms: float | None = None
    outputs: Mapping[Part, str] = Field(default_factory=dict)


def read_hints(path: Path) -> Hints:
    """Return what a model.toml says; what it does not say, or a missing one, is as on the device.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return Hints.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Hints()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        raise ConfigError(*list_problems(str(path), error, Hints)) from error
