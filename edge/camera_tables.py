"""The tables of agent.toml that say what is watched, with which model, and what becomes an event."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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


class SamplingTable(Table):
    """Which frames become events as training data although nothing was detected; by default none.

    `empty_share` is the share (0..1) of frames without a detection, `empty_every_s` the least time between
    two of them. With `candidates_from` events also tell what the model saw with at least that confidence, and
    less than its threshold; a frame with nothing else becomes an event every `candidates_every_s` at most.
    """

    empty_share: Annotated[float, Field(gt=0, le=1)] | None = None
    empty_every_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    candidates_from: Annotated[float, Field(ge=0.01, lt=1)] | None = None
    candidates_every_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0

    @property
    def samples_empty(self) -> bool:
        """Whether any frame that shows nothing at all becomes an event."""
        return self.empty_share is not None or self.empty_every_s is not None

    @property
    def share_of_empty(self) -> float:
        """The share of those that may; without `empty_share` time alone decides."""
        return 1.0 if self.empty_share is None else self.empty_share

    @property
    def is_on(self) -> bool:
        """Whether anything is sampled."""
        return self.samples_empty or self.candidates_from is not None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.candidates_from is None and "candidates_every_s" in self.model_fields_set:
            raise ValueError("candidates_every_s needs candidates_from")
        return self


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
    """One of several cameras; what it says of model, capture and sampling goes before what the file says of
    all."""

    name: CameraName
    model: ModelTable | None = None
    capture: CaptureTable | None = None
    sampling: SamplingTable | None = None
