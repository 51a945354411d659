"""A gate's model in the hub: a folder with model.xml, model.bin and its card, model.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from hub.errors import ConfigError
from hub.event import Name, Plain
from hub.problems import describe_problems

SHIPPED = Path(__file__).parent / "models"
NETWORK, CARD = "model.xml", "model.toml"
Side = Annotated[int, Field(ge=8, le=4096)]


class GateCard(Plain):
    """What the network takes, and from which score on a picture passes.

    Its input is (n, 3, height, width) RGB, each value `low` for black to `high` for white; its output is one
    score a picture, 0 to 1.
    """

    name: Name
    version: Name
    width: Side = 224
    height: Side = 224
    low: float = -1.0
    high: float = 1.0
    threshold: Annotated[float, Field(ge=0, le=1)]


def find_model(model: Path) -> Path:
    """Return the folder of a shipped model, by its name, or `model` itself.

    Raises:
        ConfigError: There is no such model.
    """
    folder = SHIPPED / model if is_shipped(model) else model
    if not (folder / NETWORK).is_file():
        shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CARD}")))
        raise ConfigError(f"{model}: has no {NETWORK}, and is no shipped model ({shipped})")
    return folder


def is_shipped(model: Path) -> bool:
    """Return whether that is the name of a model that comes with the hub."""
    return len(model.parts) == 1 and (SHIPPED / model / CARD).is_file()


def read_card(folder: Path) -> GateCard:
    """Read a folder's model.toml; raises ConfigError with all that is wrong."""
    path = folder / CARD
    try:
        return GateCard.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(*(f"{path}: {line}" for line in describe_problems(error, "", GateCard))) from error
