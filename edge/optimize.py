"""Makes a small, fast model folder of what other frameworks wrote, and checks that it still sees the same."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.agreement import measure_agreement, without_limits
from edge.bench import Latency, make_noise, time_calls
from edge.convert import find_source, measure_bytes, read_source
from edge.model import Detector
from edge.model_card import ModelCard, read_card, read_labels
from edge.network import read_network
from edge.new_card import guess_card, write_card
from edge.picture_file import SUFFIXES, read_picture
from edge.quantize import quantize
from edge.runtime import load_openvino
from hub.draw.picture import PictureError
from hub.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_PICTURES = 300
NOISE_PICTURES = 14
TIMING_S = 2.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A network's size on disk and its latency on this machine's CPU."""

    bytes: int
    latency: Latency


@dataclass(frozen=True, slots=True)
class Optimized:
    """What came of it: `agreement` (0 to 1) of both on `pictures` pictures; `accepted` if it was written."""

    model: ModelCard
    precision: str
    guessed: bool
    before: Measured
    after: Measured
    pictures: int
    noise: bool
    agreement: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What to make of what.

    Args:
        source: A model folder, a file, or a SavedModel folder; a model.toml in it or beside it is used.
        out: The folder to write; there must be nothing in it.
        images: A folder of pictures to compare, and to calibrate, on; None for noise.
        labels: A file with the labels, for a source without model.toml.
        int8: Quantise to 8 bits.
        max_loss: The loss of agreement (0 to 1) from which nothing is written.
    """

    source: Path
    out: Path
    images: Path | None = None
    labels: Path | None = None
    int8: bool = False
    max_loss: float = 0.01


def optimize(order: Order) -> Optimized:
    """Convert a model to FP16 (or INT8) and compare it with the original; write it if it agrees well enough.

    Raises:
        ConfigError: Something is missing, cannot be read, or does not fit together.
    """
    if order.out.exists() and (not order.out.is_dir() or any(order.out.iterdir())):
        raise ConfigError(f"{order.out}: is there already (name a new folder)")
    if order.int8 and order.images is None:
        raise ConfigError("--int8 needs --images: a folder of pictures like those it will see")
    frames = read_frames(order.images) if order.images else make_noise(NOISE_PICTURES)
    source = find_source(order.source)
    network = read_source(source)
    card, guessed = _find_card(order, source, network)
    try:
        order.out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=order.out.parent, prefix=".optimize-") as folder:
            return _compare(order, source, network, card, frames, Path(folder) / "model", guessed=guessed)
    except OSError as error:
        raise ConfigError(f"{order.out}: cannot be written: {error.strerror}") from error


def read_frames(folder: Path) -> list[NDArray[np.uint8]]:
    """Return the pictures of a folder, in the order of their names, the first 300.

    Raises:
        ConfigError: There are none, or one cannot be read.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:MAX_PICTURES]
        frames = [_read_frame(path) for path in paths]
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read: {error.strerror}") from error
    if not frames:
        raise ConfigError(f"{folder}: holds no pictures (known: {', '.join(sorted(SUFFIXES))})")
    return frames


def _read_frame(path: Path) -> NDArray[np.uint8]:
    try:
        return read_picture(path)
    except PictureError as error:
        raise ConfigError(f"{path}: {error}") from error


def _find_card(order: Order, source: Path, network: Any) -> tuple[ModelCard, bool]:
    """Return the model's card, and whether it is guessed."""
    folder = source if source.is_dir() else source.parent
    if (folder / "model.toml").is_file():
        return read_card(folder), False
    labels = read_labels(order.labels) if order.labels else None
    return guess_card(source.stem, network, labels), True


def _compare(
    order: Order,
    source: Path,
    network: Any,
    card: ModelCard,
    frames: list[NDArray[np.uint8]],
    folder: Path,
    *,
    guessed: bool,
) -> Optimized:
    """Write the new model into `folder`, compare it with the original, and move it to `out` if it is good."""
    open_card = without_limits(card)
    before = Detector(source, card=open_card, network=network, device="CPU")
    _save(quantize(network, [before.prepare(f) for f in frames]) if order.int8 else network, card, folder)
    after = Detector(folder, card=open_card, network=read_network(folder / "model.xml"), device="CPU")
    agreement = measure_agreement((before.detect(frame), after.detect(frame)) for frame in frames)
    times = time_calls([before.rehearse(frames[0]), after.rehearse(frames[0])], TIMING_S)
    accepted = 1 - agreement <= order.max_loss
    sizes = measure_bytes(source), measure_bytes(folder / "model.xml")
    if accepted:
        folder.rename(order.out)
    measured = [Measured(size, Latency.of(took)) for size, took in zip(sizes, times, strict=True)]
    return Optimized(
        model=card,
        precision="INT8" if order.int8 else "FP16",
        guessed=guessed,
        before=measured[0],
        after=measured[1],
        pictures=len(frames),
        noise=order.images is None,
        agreement=round(agreement, 6),
        accepted=accepted,
    )


def _save(network: Any, card: ModelCard, folder: Path) -> None:
    folder.mkdir()
    load_openvino().save_model(network, folder / "model.xml", compress_to_fp16=True)
    write_card(card, folder / "model.toml")
