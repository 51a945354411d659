"""The tables of agent.toml that say what is watched, with which model, and what becomes an event."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edge.model import SHIPPED
from edge.source import is_stream
from hub.event import DEVICE_PATTERN

DEFAULT_MODEL = SHIPPED / "thumbs-up"
DEVICE = re.compile(r"[A-Z]+(\.\d+)?")
MAX_THREADS = 1024


class Table(BaseModel):
    """A table of agent.toml; a member it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _check_device(device: str) -> str:
    if not DEVICE.fullmatch(device):
        raise ValueError("must be CPU, GPU, NPU or AUTO; GPU.1 is the second GPU")
    return device


class ModelTable(Table):
    """The folder of the model to run, and on what: `device` goes before what its model.toml says; `threads`
    are how many the CPU may use, None for as many as OpenVINO thinks best."""

    path: Path = DEFAULT_MODEL
    device: Annotated[str, AfterValidator(_check_device)] | None = None
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None = None


class CaptureTable(Table):
    """Which findings become events; by default all.

    `min_interval_s` is the least time between two events. With `new_object` only what is new becomes one: a
    label that was not seen within the last `forget_s` seconds, or a box that overlaps none that was told by
    at least `same_iou` (intersection over union).
    """

    min_interval_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    new_object: bool = False
    forget_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    same_iou: Annotated[float, Field(gt=0, le=1)] = 0.3


def _check_source(source: str) -> str:
    """Refuse a stream's URL of which it is not clear where the password ends, so that none of it is shown."""
    if not is_stream(source):
        return source
    try:
        parts = urlsplit(source)
        clear = bool(parts.hostname) and parts.port != 0 and "@" not in "".join(parts[2:])
        (parts.hostname or "").encode("idna")
    except ValueError:
        clear = False
    if not clear:
        raise ValueError(
            "is no URL (write / ? # @ : of a user or password as %2F %3F %23 %40 %3A; @ of a path as %40)"
        )
    return source


CameraName = Annotated[str, Field(pattern=DEVICE_PATTERN)]


class CameraTable(Table):
    """What is watched: a V4L2 device (`/dev/video0` or `0`), an RTSP or HTTP stream's URL, a video file, or
    a folder of pictures. Events of a camera with a name carry it."""

    name: CameraName | None = None
    source: Annotated[str, AfterValidator(_check_source), Field(repr=False)] = (
        "/dev/video0"  # a URL may hold a password
    )
    every: Annotated[int, Field(ge=1)] = 1
    passes: Annotated[int, Field(ge=0)] = 1
    pace: bool = True


class NamedCamera(CameraTable):
    """One of several cameras; what it says of model and capture goes before what the file says of all."""

    name: CameraName
    model: ModelTable | None = None
    capture: CaptureTable | None = None
