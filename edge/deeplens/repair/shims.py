"""What repaired functions call in place of what is gone. Bound to one function's process."""

from __future__ import annotations

import builtins
import functools
import io
from collections.abc import Callable, Iterable
from typing import Any

NUMBERS = (bool, int)


def tostring(value: Any) -> Any:
    """Return an array's bytes; numpy 2.3 removed the old name."""
    return value.tostring() if hasattr(value, "tostring") else value.tobytes()


def fromstring(data: Any, dtype: Any = float, count: int = -1, sep: str = "") -> Any:
    """Return an array of the bytes' content, which numpy 2.3 no longer makes under this name."""
    import numpy as np

    if sep or isinstance(data, str):
        return np.fromstring(data, dtype, count, sep=sep)
    return np.frombuffer(data, dtype, count).copy()


def has_key(mapping: Any, key: Any) -> bool:
    """Return whether a mapping has a key."""
    return key in mapping


def items(mapping: Any) -> Any:
    """Return an iterator of a mapping's pairs."""
    return iter(mapping.items())


def values(mapping: Any) -> Any:
    """Return an iterator of a mapping's values."""
    return iter(mapping.values())


def keys(mapping: Any) -> Any:
    """Return an iterator of a mapping's keys."""
    return iter(mapping.keys())


def as_list(iterable: Iterable[Any]) -> Any:
    """Return a list of a mapping's view, as Python 2 gave it; anything else unchanged."""
    return (
        list(iterable)
        if isinstance(iterable, type({}.keys()) | type({}.values()) | type({}.items()))
        else iterable
    )


def divide(left: Any, right: Any) -> Any:
    """Divide as Python 2 did: whole numbers are rounded down."""
    return left // right if isinstance(left, NUMBERS) and isinstance(right, NUMBERS) else left / right


class ForgivingText(io.TextIOWrapper):
    """A text file that also takes bytes, as Python 2's did: JPEGs written to a FIFO opened with `w`."""

    told: Callable[[], object]

    def write(self, data: Any) -> int:
        """Write text, or bytes as they are."""
        if isinstance(data, str):
            return super().write(data)
        self.told()
        self.flush()
        written: int = self.buffer.write(data)  # type: ignore[assignment]
        return written


def make_open(find_file: Callable[[str], str], note: Callable[[str], object]) -> Callable[..., Any]:
    """Return an `open` that finds the device's paths and whose text files take bytes."""

    def open_file(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
        if isinstance(file, str):
            file = find_file(file)
        if "U" in mode:
            mode = mode.replace("U", "") or "r"
            note("a file opened with mode U")
        if "b" in mode or not set("wax+") & set(mode) or buffering == 0:
            return builtins.open(file, mode, buffering, *rest, **options)  # noqa: PTH123 - it stands for open
        names = ("encoding", "errors", "newline")
        settings = dict(zip(names, rest, strict=False)) | {k: v for k, v in options.items() if k in names}
        opening = {key: value for key, value in options.items() if key not in names}
        raw_mode = mode.replace("t", "") + "b"
        binary: Any = builtins.open(file, raw_mode, **opening)  # noqa: PTH123, SIM115 - closed by the text
        text = ForgivingText(binary, write_through=False, **settings)
        text.told = functools.partial(note, "bytes written to a file opened as text")
        return text

    return open_file


def python2_names() -> dict[str, Any]:
    """Return the builtins that a Python 2 function knows by other names or that gave lists."""
    return {
        "xrange": range,
        "unicode": str,
        "basestring": str,
        "long": int,
        "unichr": chr,
        "raw_input": input,
        "reduce": functools.reduce,
        "range": lambda *given: list(builtins.range(*given)),
        "map": lambda *given: list(builtins.map(*given)),
        "filter": lambda *given: list(builtins.filter(*given)),
        "zip": lambda *given: list(builtins.zip(*given, strict=False)),
    }
