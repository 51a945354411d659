"""Draws what each threshold of a gate would do: recall, precision and saved calls, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hub.gate.measures import Point

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH, HEIGHT, FINE = 960, 600, 2
LEFT, TOP, RIGHT, BOTTOM = 70, 70, 930, 530
MIDDLE = 0.5
GREY, LIGHT, BLACK = (110, 110, 110), (222, 222, 222), (30, 30, 30)
LINES = (
    ("recall", "recall", (0, 114, 178)),
    ("precision", "precision", (213, 94, 0)),
    ("saved_share", "calls saved", (0, 158, 115)),
)
"""Colours that those tell apart too who see no red or no green (Okabe and Ito, 2008)."""


def draw_curve(points: Sequence[Point], threshold: float, title: str, path: Path) -> None:
    """Write the picture, 960 x 600 pixels. Raises OSError."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), "white")
    pen = ImageDraw.Draw(picture)
    _draw_axes(pen, title)
    for number, (name, label, colour) in enumerate(LINES):
        pen.line(steps([(p.threshold, getattr(p, name)) for p in points]), colour, 3 * FINE, joint="curve")
        left, top = (LEFT + 150 * number) * FINE, (TOP - 22) * FINE
        pen.rectangle((left, top, left + 12 * FINE, top + 8 * FINE), colour)
        _write(pen, LEFT + 150 * number + 20, TOP - 28, label, colour)
    _draw_threshold(pen, threshold)
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(path, "PNG")


def steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of a line: a threshold between two scores does what the higher one would."""
    corners, before = [], 0.0
    for score, value in points:
        corners += [(_across(before), _up(value)), (_across(score), _up(value))]
        before = score
    return corners


def _draw_threshold(pen: ImageDraw, threshold: float) -> None:
    """Draw where the gate stands, and beside it, on the side that has room, what it is."""
    x, text = _across(threshold), f"now {threshold:.4g}"
    pen.line([(x, TOP * FINE), (x, BOTTOM * FINE)], BLACK, 2 * FINE)
    left = x / FINE + 6 if threshold < MIDDLE else x / FINE - 8 - 8 * len(text)
    pen.rectangle(
        (left * FINE, (BOTTOM - 28) * FINE, (left + 8 * len(text)) * FINE, (BOTTOM - 4) * FINE), "white"
    )
    _write(pen, left + 2, BOTTOM - 25, text, BLACK)


def _draw_axes(pen: ImageDraw, title: str) -> None:
    _write(pen, LEFT, 12, title, BLACK, 20)
    for step in range(11):
        share = step / 10
        pen.line([(LEFT * FINE, _up(share)), (RIGHT * FINE, _up(share))], LIGHT, FINE)
        pen.line([(_across(share), TOP * FINE), (_across(share), BOTTOM * FINE)], LIGHT, FINE)
        _write(pen, 24, _up(share) / FINE - 8, f"{step * 10} %".rjust(5), GREY)
        _write(pen, _across(share) / FINE - 10, BOTTOM + 8, f"{share:.1f}", GREY)
    _write(
        pen, (LEFT + RIGHT) / 2 - 160, BOTTOM + 32, "threshold: pictures that score less are not sent", BLACK
    )


def _across(threshold: float) -> float:
    return (LEFT + (RIGHT - LEFT) * min(max(threshold, 0), 1)) * FINE


def _up(share: float) -> float:
    return (BOTTOM - (BOTTOM - TOP) * min(max(share, 0), 1)) * FINE


def _write(
    pen: ImageDraw, x: float, y: float, text: str, colour: tuple[int, int, int], size: int = 15
) -> None:
    from PIL import ImageFont

    pen.text((x * FINE, y * FINE), text, colour, ImageFont.load_default(size * FINE))
