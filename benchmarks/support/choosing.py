"""Which frames of a stream people are given to label: by the strategies of `retraining`, or at random."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from support.stream import Look

from plugins.capture_settings import CaptureSettings
from plugins.capture_strategies import (
    Wanted,
    count_bits,
    want_confident,
    want_near_threshold,
    want_negative,
    want_random,
)

LIKE_BEFORE = 200  # captures that a new one is compared with, as the plugin's default is
WAYS = {
    "random": None,
    "near_threshold": CaptureSettings.model_validate({"near_threshold": {"band": 0.4}}),
    "near_threshold, bits 64": CaptureSettings.model_validate(
        {"near_threshold": {"band": 0.4}, "duplicates": {"bits": 64}}
    ),
    "mixture": CaptureSettings.model_validate(
        {
            "near_threshold": {"band": 0.4},
            "negative": {"share": 0.05, "misses": 0.4},
            "random": {"share": 0.1},
            "duplicates": {"bits": 64},
        }
    ),
}
"""`random` is so many of all frames; the others are what `hub.toml` may say of `retraining`."""


def choose(way: str, stream: Sequence[Look], count: int, seed: int) -> list[Look]:
    """Return the frames that are labelled first.

    A capture of the plugin is given to reviewers by its score, the highest first, as `lenshub review` does;
    of the same score a seed decides.
    """
    settings, rng = WAYS[way], np.random.default_rng(seed)
    if settings is None:
        return [stream[index] for index in rng.permutation(len(stream))[:count]]
    captured = _capture(settings, stream)
    chance = rng.random(len(captured))
    order = sorted(range(len(captured)), key=lambda index: (-captured[index][0], chance[index]))
    return [captured[index][1] for index in order[:count]]


def _capture(settings: CaptureSettings, stream: Sequence[Look]) -> list[tuple[float, Look]]:
    """Return what is captured of a stream, with its score: what Sampler decides on events without others."""
    captured: list[tuple[float, Look]] = []
    before: deque[bytes] = deque(maxlen=LIKE_BEFORE)
    for look in stream:
        wanted = _ask(settings, look)
        is_like = any(count_bits(look.likeness, one) <= settings.duplicates.bits for one in before)
        if wanted and not is_like:
            before.append(look.likeness)
            captured.append((max(one.score for one in wanted), look))
    return captured


def _ask(settings: CaptureSettings, look: Look) -> list[Wanted]:
    event, threshold = look.event, settings.threshold
    asked: list[Callable[[], Wanted | None]] = []
    if settings.near_threshold:
        asked.append(lambda: want_near_threshold(settings.near_threshold, event, threshold))
    if settings.negative:
        asked.append(lambda: want_negative(settings.negative, event, threshold))
    if settings.confident:
        asked.append(lambda: want_confident(settings.confident, event))
    if settings.random:
        asked.append(lambda: want_random(settings.random, event))
    return [one for ask in asked if (one := ask()) is not None]
