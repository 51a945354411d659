"""What the display's tests share: a screen, and findings to show on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from edge.display.screen import Screen
from edge.record import Finding
from edge.shot import Shot
from hub.event import Box, Detection

BOX = Box(left=0.25, top=0.25, width=0.5, height=0.5)


@pytest.fixture
def finding() -> Callable[[int], Finding]:
    """A function that makes a noisy 320 x 180 finding with one box, different for each number."""

    def make(number: int) -> Finding:
        pixels = np.random.default_rng(number).integers(0, 120, (180, 320, 3), np.uint8)
        detections = (Detection(label="thumbs-up", confidence=0.9, box=BOX),)
        return Finding(Shot(pixels, datetime.now(UTC), number), detections)

    return make


@pytest.fixture
def screen(finding: Callable[[int], Finding]) -> Screen:
    """A screen that shows one finding."""
    screen = Screen()
    screen.show(finding(1))
    return screen
