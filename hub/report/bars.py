"""Bars and sparklines of characters, for terminals."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = " .:-=+*#@"


def draw_bar(value: float, most: float, width: int, *, plain: bool = False) -> str:
    """Return a bar of at most `width` characters; anything above 0 can be seen.

    Args:
        plain: Use ASCII only.
    """
    eighths = max(1, round(8 * width * value / most)) if value > 0 else 0
    if plain:
        return "#" * -(-eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def draw_line(values: Sequence[float], most: float, *, plain: bool = False) -> str:
    """Return a character for each value, the higher the larger; only 0 is blank."""
    levels = _PLAIN_LEVELS if plain else _LEVELS
    return "".join(levels[min(8, 1 + int(8 * value / most)) if value > 0 else 0] for value in values)
