"""A plugin's decoder: what it returns is checked, what it raises costs one message, and it is told of."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from hub.decode.hooked import HookedDecoder
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Message, Status
from hub.errors import PayloadError
from hub.event import Event, NewEvent
from hub.wire.protocol import Position

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MESSAGE = Message("mqtt", "birds/porch/seen", b"{}", NOW)
PICTURE = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()


def event(device="porch", **members):
    return NewEvent(source="birds", device=device, captured_at=NOW, **members)


def status(**members):
    return Status(**{"device": "porch", "kind": "info", "text": "hello", "at": NOW} | members)


def decoder(found, limits=None):
    def decode(message):
        if isinstance(found, BaseException):
            raise found
        return found

    return HookedDecoder("birdhouse", decode, lambda: limits or Limits(), lambda: 0.0)


def refusal(found, limits=None):
    with pytest.raises(PayloadError) as raised:
        decoder(found, limits)(MESSAGE)
    return raised.value


def test_decoder_gives_the_picture_a_frame_and_the_message_a_device():
    read = decoder(Decoded(events=(event(),), picture=PICTURE))(MESSAGE)

    frame = read.events[0].frame
    assert (frame.width, frame.height, frame.digest) == (64, 48, hashlib.sha256(PICTURE).hexdigest())
    assert read.device == "porch"


def test_decoder_makes_a_status_fit_to_be_stored_and_shown():
    read = decoder(Decoded(statuses=(status(text="a\x00b\ud800" + "x" * 5000),)))(MESSAGE)

    assert read.statuses[0].text.startswith("a\\x00b\\ud800x")
    assert len(read.statuses[0].text) == 2000


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "decode returned NoneType, not Decoded"),
        ({"events": []}, "decode returned dict, not Decoded"),
        (Decoded(position=Position("porch", "0" * 16, 1)), "decode set position, which is not for plugins"),
        (Decoded(error=PayloadError("x", "y")), "raise PayloadError to refuse"),
        (Decoded(events=("x",)), "decode returned str among its events, not NewEvent"),
        (Decoded(events=(Event.from_new(event(), 1, NOW),)), "decode returned Event among its events"),
        (Decoded(events=(event(kind="amendment"),)), "kind 'amendment'"),
        (Decoded(events=(event(key="edge:porch/0/1"),)), "'edge:' begins the agents' own"),
        (Decoded(statuses=(status(at=datetime(2026, 1, 1)),)), "has no zone"),  # noqa: DTZ001 - on purpose
        (Decoded(statuses=(status(device="../x"),)), "'../x', which cannot be a device's name"),
        (Decoded(events=(event(), event("attic"))), "several devices for one message: attic, porch"),
        (Decoded(picture=PICTURE), "a picture without an event"),
        (Decoded(events=(event(),), picture="x"), "str as the picture, not bytes"),
        (ValueError("no\nway"), "ValueError: no way"),
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)  # fmt: skip
def test_decoder_that_is_wrong_is_named_with_what_it_did(found, text):
    error = refusal(found)

    assert error.code == "decoder_failed"
    assert text in error.reason
    assert error.reason.startswith("plugin birdhouse: ")


@pytest.mark.parametrize(
    ("found", "limits", "code"),
    [
        (PayloadError("bad_bird", "no bird"), Limits(), "bad_bird"),
        (Decoded(events=(event(),), picture=b"GIF89a"), Limits(), "picture_not_jpeg"),
        (Decoded(events=(event(),), picture=PICTURE[:-2]), Limits(), "picture_truncated"),
        (Decoded(events=(event(),)), Limits(max_event_bytes=1, max_picture_bytes=1), None),
    ],
)
def test_decoder_that_refuses_is_not_failing(found, limits, code):
    made = decoder(found, limits)
    if code is None:
        made(MESSAGE)
    else:
        with pytest.raises(PayloadError) as raised:
            made(MESSAGE)
        assert raised.value.code == code
    assert made.report() == (True, "")


def test_decoder_is_not_asked_about_what_is_too_large():
    limits = Limits(max_event_bytes=1, max_picture_bytes=1)
    made = decoder(AssertionError("asked"), limits)

    with pytest.raises(PayloadError, match="too_large"):
        made(Message("mqtt", "t", b"xxxx", NOW))


def test_decoder_reports_how_many_messages_it_failed_on():
    made = decoder(ValueError("no bird"))
    for _ in range(3):
        with pytest.raises(PayloadError):
            made(MESSAGE)

    assert made.report() == (False, "3 of 3 messages failed, last: ValueError: no bird")


def test_decoder_that_took_long_says_so():
    clock = iter([5.0, 5.11])
    made = HookedDecoder("birdhouse", lambda _: Decoded(), Limits, lambda: next(clock))
    made(MESSAGE)

    assert made.report() == (False, "decode took 0.1 s for one message; every other message waited")
