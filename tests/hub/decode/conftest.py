"""What the decoders' tests share: made messages, a made picture, decoders with two aliased things."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from hub.decode.aliases import Alias
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Message
from hub.decode.registry import Decoders
from hub.draw.picture import encode_jpeg

RECEIVED_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

Decode = Callable[..., Decoded]


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits()


@pytest.fixture(scope="session")
def decoders(limits: Limits) -> Decoders:
    aliases = {
        "deeplens_one": Alias(device="Seattle01", timezone="America/Los_Angeles"),
        "deeplens_two": Alias(device="Chicago01"),
    }
    return Decoders(aliases, ZoneInfo("Europe/Berlin"), limits)


@pytest.fixture(scope="session")
def decode_edge(decoders: Decoders) -> Decode:
    def decode(payload: bytes, topic: str = "lenshub/v1/porch/events/0123456789abcdef/7") -> Decoded:
        return decoders.decode("edge", Message("mqtt", topic, payload, RECEIVED_AT))

    return decode


@pytest.fixture(scope="session")
def decode_deeplens(decoders: Decoders) -> Decode:
    def decode(payload: bytes, topic: str = "$aws/things/deeplens_one/infer") -> Decoded:
        return decoders.decode("deeplens", Message("mqtt", topic, payload, RECEIVED_AT))

    return decode


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A picture of 64 x 48 pixels with something to see."""
    return encode_jpeg(np.random.default_rng(7).integers(0, 255, (48, 64, 3), np.uint8))


@pytest.fixture(scope="session")
def png() -> bytes:
    return bytes(cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1])


@pytest.fixture(scope="session")
def frame_of() -> Callable[[bytes], dict[str, Any]]:
    """What an honest event says of a picture of 64 x 48 pixels."""

    def frame(picture: bytes, **lies: Any) -> dict[str, Any]:
        digest = hashlib.sha256(picture).hexdigest()
        return {"digest": digest, "width": 64, "height": 48, "media_type": "image/jpeg", **lies}

    return frame


@pytest.fixture(scope="session")
def line() -> Callable[..., bytes]:
    """An event line with one detection; members given replace its own, None takes one away."""

    def make(**members: Any) -> bytes:
        event = {
            "captured_at": "2026-11-21T11:59:59.250Z",
            "detections": [{"label": "thumbs-up", "confidence": 0.93}],
            **members,
        }
        return json.dumps({name: value for name, value in event.items() if value is not None}).encode()

    return make
