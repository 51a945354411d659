"""A camera's stream for the sampler: most frames are easy or empty, few teach; with what the model saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from edge.demo.make_clip import CAST
from edge.demo.make_dusk_clip import BLUR, LIGHT
from edge.demo.scene import make_scene
from edge.model import SHIPPED, Detector, read_card
from edge.training.finetune.examples import Example
from hub.dataset.likeness import hash_bytes
from hub.draw.letterbox import Letterbox
from hub.draw.picture import decode_picture, encode_jpeg
from hub.event import Event

SCENE_FRAMES, STEP_S = 5, 0.3
NOISE = 13.0  # of the dark ones, in grey levels
EMPTY, DARK = 0.4, 0.15
"""Shares of scenes without a thumb up by day, and of scenes in the dark; the others are easy."""
CANDIDATES_FROM, TOLD = 0.1, 12
SIDE = 192


@dataclass(frozen=True, eq=False)
class Look:
    """A frame as the shipped model sees it, (192, 192, 3) with the truth; as an event of it; and its hash."""

    example: Example
    event: Event
    likeness: bytes
    is_dark: bool


def film(seed: int, frames: int) -> Iterator[Look]:
    """Yield a stream, scene after scene."""
    rng = np.random.default_rng(seed)
    card = read_card(SHIPPED / "thumbs-up")
    detector = Detector(SHIPPED / "thumbs-up", card=card.model_copy(update={"threshold": CANDIDATES_FROM}))
    for number in range(frames):
        if number % SCENE_FRAMES == 0:
            kind = rng.random()
            is_dark = kind < DARK
            thumbs, others = CAST[int(rng.integers(len(CAST)))]
            if DARK <= kind < DARK + EMPTY:
                thumbs, others = 0, int(rng.integers(0, 3))
            scene = make_scene(rng, int(rng.integers(4)), thumbs, max(others, 1))
        second = number % SCENE_FRAMES * STEP_S
        pixels = scene.picture(second, rng)
        if is_dark:
            day = cv2.GaussianBlur(replace(scene, noise=0.0).picture(second, rng), (0, 0), BLUR)
            grain = rng.normal(0, NOISE, day.shape[:2])[:, :, None]
            pixels = np.clip(day * np.array(LIGHT) + grain, 0, 255).astype(np.uint8)
        data = encode_jpeg(pixels)
        fit = Letterbox.fit(pixels.shape[1], pixels.shape[0], SIDE, SIDE)
        boxes = [hand.placed(second)[1] for hand in scene.hands if hand.name == "thumbs-up"]
        corners = [fit.to_input(box).corners_in(SIDE, SIDE) for box in boxes]
        example = Example(fit.resize(decode_picture(data)), np.array(corners, np.float32).reshape(-1, 4), 0)
        event = _make_event(number, detector.detect(decode_picture(data)), card.threshold)
        yield Look(example, event, hash_bytes(data) or bytes(32), is_dark)


def _make_event(number, found, threshold) -> Event:
    """Return the event that an agent with `candidates_from` sends."""
    below = [one for one in found if one.confidence < threshold][:TOLD]
    at = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=number * STEP_S)
    told = [{"label": one.label, "confidence": round(one.confidence, 4)} for one in below]
    return Event(
        id=number + 1,
        key=f"stream/{number}",
        source="benchmark",
        device="camera",
        captured_at=at,
        received_at=at,
        detections=tuple(one for one in found if one.confidence >= threshold),
        attributes={"threshold": threshold, **({"candidates": told} if told else {})},
    )
