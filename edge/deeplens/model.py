"""`awscam.Model`: an OpenVINO network behind the calls that functions make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.deeplens.hints import read_hints
from edge.deeplens.results import Size, Sizes, read_classification, read_segmentation, read_ssd
from edge.runtime import load_openvino

if TYPE_CHECKING:
    from numpy.typing import NDArray

READERS = {
    "classification": read_classification,
    "ssd": read_ssd,
    "segmentation": read_segmentation,
}


class Outputs(dict[str, Any]):
    """What a network gave, by output name, with the size in pixels of the picture it was given."""

    picture: Size = (1, 1)


class Model:
    """A loaded network. Not thread-safe: one inference at a time, as on the device.

    Args:
        path: The IR's `.xml`.
        gpu: Use a GPU if OpenVINO finds one, else the CPU.
        say_once: Told `inference`, `repair` and `note`.

    Raises:
        RuntimeError: OpenVINO cannot load it, or it takes no single picture.
        ConfigError: The model.toml beside it cannot be read.
    """

    def __init__(
        self, path: Path, *, gpu: bool, say: Callable[..., Any], say_once: Callable[..., Any]
    ) -> None:
        self._path, self._say, self._say_once = path, say, say_once
        self._hints = read_hints(path.with_name("model.toml"))
        core = load_openvino().Core()
        network = core.read_model(path)
        if len(network.inputs) != 1 or len(network.inputs[0].get_partial_shape()) != 4:
            raise RuntimeError(f"{path}: a model for awscam takes one picture, [1,3,H,W] or [1,H,W,3]")
        device = "GPU" if gpu and "GPU" in core.available_devices else "CPU"
        if gpu and device == "CPU":
            say_once("note", "the function asks for a GPU and OpenVINO finds none: it runs on the CPU")
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        self._request = core.compile_model(network, device, options).create_infer_request()
        self._type = network.inputs[0].get_element_type().to_dtype()
        self._shape = [
            dim.get_length() if dim.is_static else 0 for dim in network.inputs[0].get_partial_shape()
        ]
        self._names = [_name(port, number) for number, port in enumerate(network.outputs)]
        self._last: Size = (1, 1)

    def infer(self, frame: NDArray[Any]) -> Outputs:
        """Return `{output name: array}` for a picture, (height, width, 3) BGR or already [1,3,H,W].

        Raises:
            ValueError: It is no picture.
        """
        picture = self._arrange(frame)
        results = self._request.infer({0: picture})
        outputs = Outputs((name, results[number].copy()) for number, name in enumerate(self._names))
        outputs.picture = self._last
        self._say("inference")
        return outputs

    def parse(self, kind: str, raw: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """Return `{kind: [...]}`, best first, as `parseResult` did.

        Raises:
            ValueError: The kind is unknown, or the outputs have no shape it knows.
        """
        if kind not in READERS:
            raise ValueError(f"parseResult: unknown model type {kind!r} (known: {', '.join(READERS)})")
        picture = raw.picture if isinstance(raw, Outputs) else self._last
        sizes = Sizes(picture, self._size() or picture)
        return {kind: READERS[kind](raw, sizes, self._hints)}

    def _size(self) -> Size | None:
        """Return the width and height in pixels that the network takes, or None if it takes any."""
        height, width = self._shape[2:] if self._planar else self._shape[1:3]
        return (width, height) if width and height else None

    @property
    def _planar(self) -> bool:
        return self._shape[1] in (1, 3)

    def _arrange(self, frame: NDArray[Any]) -> NDArray[Any]:
        """Return the network's input for what the function gives."""
        import cv2
        import numpy as np

        pixels = _as_picture(frame)
        self._last = (pixels.shape[1], pixels.shape[0])
        wanted = self._size()
        if wanted and wanted != self._last:
            size = f"{self._path.name} takes {wanted[0]} x {wanted[1]}"
            self._say_once("repair", f"{size}; the function gives {self._last[0]} x {self._last[1]}: resized")
            pixels = cv2.resize(pixels, wanted).reshape(wanted[1], wanted[0], -1)
        pixels = self._order_channels(pixels)
        values = np.ascontiguousarray(pixels.transpose(2, 0, 1) if self._planar else pixels)[None]
        return values.astype(self._type)

    def _order_channels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return (height, width, channels) as the network wants them, by its hints also normalised."""
        import cv2
        import numpy as np

        channels = self._shape[1] if self._planar else self._shape[3]
        if channels == 1 and pixels.shape[2] == 3:
            pixels = cv2.cvtColor(np.ascontiguousarray(pixels, np.float32), cv2.COLOR_BGR2GRAY)[:, :, None]
        elif channels == 3 and pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        if self._hints.colours == "rgb":
            pixels = pixels[:, :, ::-1]
        if self._hints.mean != (0.0,) or self._hints.scale != (1.0,):
            pixels = (pixels - np.array(self._hints.mean)) / np.array(self._hints.scale)
        return pixels


def _as_picture(frame: NDArray[Any]) -> NDArray[Any]:
    """Return (height, width, 1 or 3) for a picture that may also be (height, width) or planar."""
    import numpy as np

    pixels = np.asarray(frame)
    if pixels.ndim == 4 and pixels.shape[0] == 1:
        pixels = pixels[0] if pixels.shape[3] in (1, 3) else pixels[0].transpose(1, 2, 0)
    elif pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or 0 in pixels.shape or pixels.shape[2] not in (1, 3):
        raise ValueError(f"doInference: takes a picture (height, width, 3), was given {np.shape(frame)}")
    return pixels


def _name(port: Any, number: int) -> str:
    names = port.get_names()
    return str(port.get_any_name()) if names else f"output{number}"
