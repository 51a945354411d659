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
    x = _across(threshold)
    pen.line([(x, TOP * FINE), (x, BOTTOM * FINE)], GREY, 2 * FINE)
    _write(pen, x / FINE + 6, BOTTOM - 24, f"threshold {threshold:.4g}", GREY)
    for number, (name, label, colour) in enumerate(LINES):
        line = [(_across(p.threshold), _up(getattr(p, name))) for p in points]
        if len(line) > 1:
            pen.line(line, colour, 3 * FINE, joint="curve")
        left, top = (LEFT + 150 * number) * FINE, (TOP - 22) * FINE
        pen.rectangle((left, top, left + 12 * FINE, top + 8 * FINE), colour)
        _write(pen, LEFT + 150 * number + 20, TOP - 28, label, colour)
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(path, "PNG")


def _draw_axes(pen: ImageDraw, title: str) -> None:
    _write(pen, LEFT, 12, title, BLACK, 20)
    for step in range(11):
        share = step / 10
        pen.line([(LEFT * FINE, _up(share)), (RIGHT * FINE, _up(share))], LIGHT, FINE)
        pen.line([(_across(share), TOP * FINE), (_across(share), BOTTOM * FINE)], LIGHT, FINE)
        _write(pen, 24, _up(share) / FINE - 8, f"{step * 10} %".rjust(5), GREY)
        _write(pen, _across(share) / FINE - 10, BOTTOM + 8, f"{share:.1f}", GREY)
    _write(pen, (LEFT + RIGHT) / 2 - 60, BOTTOM + 32, "threshold of the score", BLACK)


def _across(threshold: float) -> float:
    return (LEFT + (RIGHT - LEFT) * min(max(threshold, 0), 1)) * FINE


def _up(share: float) -> float:
    return (BOTTOM - (BOTTOM - TOP) * min(max(share, 0), 1)) * FINE


def _write(
    pen: ImageDraw, x: float, y: float, text: str, colour: tuple[int, int, int], size: int = 15
) -> None:
    from PIL import ImageFont

    pen.text((x * FINE, y * FINE), text, colour, ImageFont.load_default(size * FINE))
