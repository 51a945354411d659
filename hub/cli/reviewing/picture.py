"""Pictures in a terminal: two pixels a cell, upper half and lower half, with the boxes and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from hub.event import Detection
from hub.review.error import ReviewError

COLOURS = ("#40dc40", "#ff9f1c", "#4cc9f0", "#ff5d8f", "#ffe14d", "#b388ff")
"""Of boxes and of their rows in the table, in turn."""
_HALF = "▀"
_Corners = tuple[float, float, float, float]
_FAR = 2.0**15  # as far out as is drawn


def open_picture(path: Path, columns: int, rows: int) -> Image.Image:
    """Return a picture upright and in RGB, as small as it is to be shown: two pixels a row of the terminal.

    Raises:
        ReviewError: It is gone or cannot be read.
    """
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (columns * 2, rows * 4))
            shown = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _refuse(path, error) from error
    scale = min(columns / shown.width, rows * 2 / shown.height)
    return shown.resize((max(1, round(shown.width * scale)), max(2, round(shown.height * scale))))


def _refuse(path: Path, error: Exception) -> ReviewError:
    if isinstance(error, FileNotFoundError):
        return ReviewError(f"its picture is gone ({path})")
    return ReviewError(f"its picture cannot be read ({path}: {error})")


class Blocks:
    """A picture with numbered boxes, for Rich."""

    def __init__(self, picture: Image.Image, detections: Sequence[Detection]) -> None:
        self._picture = picture.copy()
        self._numbers: dict[tuple[int, int], tuple[str, Style]] = {}
        draw = ImageDraw.Draw(self._picture)
        for number, corners in _place(detections, self._picture.size):
            colour = COLOURS[(number - 1) % len(COLOURS)]
            draw.rectangle(corners, outline=colour)
            self._write(f" {number} ", corners, Style(color="black", bgcolor=colour, bold=True))

    def _write(self, text: str, corners: _Corners, style: Style) -> None:
        """Put a number where its box begins, in the picture."""
        columns, rows = self._picture.width, self._picture.height // 2
        left = max(0, min(round(corners[0]), columns - len(text)))
        top = max(0, min(round(corners[1] / 2), rows - 1))
        self._numbers |= {(left + offset, top): (sign, style) for offset, sign in enumerate(text)}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in range(self._picture.height // 2):
            yield from Segment.simplify(self._row(row))
            yield Segment.line()

    def _row(self, row: int) -> Iterator[Segment]:
        for column in range(self._picture.width):
            if (column, row) in self._numbers:
                yield Segment(*self._numbers[column, row])
            else:
                upper, lower = (self._colour(column, row * 2 + half) for half in (0, 1))
                yield Segment(_HALF, Style(color=upper, bgcolor=lower))

    def _colour(self, column: int, line: int) -> str:
        pixel = self._picture.getpixel((column, line))
        assert isinstance(pixel, tuple)  # noqa: S101 - it is RGB
        return "#{:02x}{:02x}{:02x}".format(*(int(value) for value in pixel[:3]))


def _place(detections: Sequence[Detection], size: tuple[int, int]) -> Iterator[tuple[int, _Corners]]:
    """Yield the numbers and corners, in pixels, of those that have a box."""
    for number, found in enumerate(detections, 1):
        if found.box is not None:
            xmin, ymin, xmax, ymax = (
                max(-_FAR, min(_FAR, corner)) for corner in found.box.corners_in(size[0] - 1, size[1] - 1)
            )
            yield number, (xmin, ymin, xmax, ymax)


def write_numbered(path: Path, detections: Sequence[Detection], copy: Path) -> None:
    """Write a copy of a picture in full size with its boxes and their numbers, for a viewer.

    Raises:
        ReviewError: It is gone or cannot be read.
    """
    try:
        with Image.open(path) as opened:
            shown = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _refuse(path, error) from error
    draw, size = ImageDraw.Draw(shown), max(12, shown.height // 24)
    font = ImageFont.load_default(size)
    for number, corners in _place(detections, shown.size):
        colour = COLOURS[(number - 1) % len(COLOURS)]
        draw.rectangle(corners, outline=colour, width=max(1, shown.height // 240))
        at = (max(0, corners[0]), max(0, corners[1]))
        draw.rectangle(draw.textbbox(at, str(number), font), fill=colour)
        draw.text(at, str(number), "black", font)
    shown.save(copy)
