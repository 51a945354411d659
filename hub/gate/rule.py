"""The published rule that says whether DetectText found text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MIN_CONFIDENCE = 0.99


def has_text(detections: Iterable[tuple[str, float, Mapping[str, Any]]]) -> bool:
    """Return words > 1, characters > 5 and highest confidence >= 99 of 100.

    Args:
        detections: (label, confidence 0 to 1, attributes) of DetectText: its words, or else its lines.
    """
    told = list(detections)
    words = [found for found in told if found[2].get("type") == "word"] or told
    said = [word for label, _, more in words for word in str(more.get("text") or label).split()]
    highest = max((confidence for _, confidence, _ in told), default=0.0)
    return len(said) > 1 and sum(map(len, said)) > 5 and highest >= MIN_CONFIDENCE
