"""Whatever a device sends, the good events around it are stored and its line goes on."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from hub.draw.picture import encode_jpeg
from hub.wire.connection import Connection

AROUND = 100  # good events before each bad one, and as many after


@pytest.fixture(scope="module")
def jpeg():
    return encode_jpeg(np.random.default_rng(7).integers(0, 255, (48, 64, 3), np.uint8))


def with_picture(sender, picture, **lies):
    said = {
        "digest": hashlib.sha256(picture).hexdigest(),
        "width": 64,
        "height": 48,
        "media_type": "image/jpeg",
    }
    return sender.say(frame=said | lies) + b"\n" + picture


def bomb(picture):
    """Return the picture with a header that claims 65,000 x 65,000 pixels."""
    at = picture.index(b"\xff\xc0") + 5
    return picture[:at] + b"\xfd\xe8\xfd\xe8" + picture[at + 4 :]


def bad_records(sender, jpeg):
    def seen(**detection):
        return sender.say(detections=[{"label": "x", "confidence": 0.5} | detection])

    swollen = bomb(jpeg)
    return [
        ("too_large", sender.say(attributes={"a": "x" * 300_000})),
        ("too_deep", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("not_json", b"{"),
        ("not_json", b""),
        ("not_utf8", b'{"captured_at": "\xff"}'),
        ("wrong_type", sender.say(detections="none")),
        ("wrong_type", b"[]"),
        ("missing_member", b"{}"),
        ("bad_time", sender.say(captured_at="yesterday")),
        ("not_finite", sender.say().replace(b"0.93", b"NaN")),
        ("bad_text", seen(label="a\x00b")),
        ("out_of_range", seen(confidence=-0.5)),
        ("out_of_range", seen(confidence=1e300)),
        ("out_of_range", seen(class_id=2**70)),
        ("out_of_range", sender.say(attributes={"n": 2**63})),
        ("device_mismatch", sender.say(device="attic")),
        ("picture_digest_mismatch", with_picture(sender, jpeg, digest="0" * 64)),
        ("picture_size_mismatch", with_picture(sender, jpeg, width=65)),
        ("picture_too_many_pixels", with_picture(sender, swollen, width=65_000, height=65_000)),
        ("picture_truncated", with_picture(sender, jpeg[:-20])),
        ("picture_not_jpeg", with_picture(sender, b"GIF89a")),
        ("picture_missing", with_picture(sender, jpeg).partition(b"\n")[0]),
        ("picture_unclaimed", sender.say() + b"\n" + jpeg),
    ]


async def test_bad_records_are_quarantined_and_the_line_goes_on(hub, device, jpeg):
    hub.start()
    async with device("porch") as sender:
        bad = bad_records(sender, jpeg)
        for _, payload in bad:
            for _ in range(AROUND):
                sender.record()
            sender.record(payload)
        for _ in range(AROUND):
            last = sender.record()
        await sender.acked(last)

    assert hub.sql("SELECT code FROM quarantine ORDER BY id") == [(code,) for code, _ in bad]
    assert hub.count() == AROUND * (len(bad) + 1)
    assert hub.sql("SELECT committed, stale, early FROM epochs") == [(last, 0, 0)]


async def test_bad_records_can_be_listed_and_shown(hub, device):
    hub.start()
    async with device("porch") as sender:
        sender.record(b"\xff\xfe<b>[red]\x00")
        await sender.acked(sender.record())

    listed = hub.json("quarantine", "list")
    assert listed["counts"] == {"not_utf8": 1}
    assert [(m["id"], m["device"], m["code"]) for m in listed["messages"]] == [(1, "porch", "not_utf8")]
    shown = hub.json("quarantine", "show", "1")
    assert (shown["payload_bytes"], shown["begins"]) == (11, r"\\xff\\xfe<b>[red]\x00")
    assert "not_utf8" in hub.cli("quarantine", "list")
    assert "<b>[red]" in hub.cli("quarantine", "show", "1")
    assert "no quarantined message 7" in hub.cli("quarantine", "show", "7", code=1)


async def test_bad_plain_messages_are_quarantined_among_good_ones(hub, device, wait_until):
    hub.start()
    bad = [
        ("not_utf8", b"\xff\xfe"),
        ("too_large", b'{"a": "' + b"x" * 300_000 + b'"}'),
        ("too_deep", b"[" * 1000),
        ("out_of_range", b'{"thumbs-up": 1.5}'),
        ("bad_text", b"Loading\x00model"),
    ]
    async with device("porch") as sender:
        for _, payload in bad:
            for _ in range(AROUND):
                sender.plain(b'{"thumbs-up": 0.9}')
            sender.plain(payload)
        for _ in range(AROUND):
            sender.plain(b'{"thumbs-up": 0.9}')
        await wait_until(lambda: hub.count() == AROUND * (len(bad) + 1))

    assert hub.sql("SELECT code FROM quarantine ORDER BY id") == [(code,) for code, _ in bad]


async def test_unknown_device_is_quarantined_and_known_ones_go_on(hub, broker, wait_until):
    hub.configure("", mqtt=f'broker = "mqtt://127.0.0.1:{broker.port}"\nknown_devices = ["porch"]')
    hub.start()
    async with Connection("127.0.0.1", broker.port, client_id="any") as connection:
        for number in range(2 * AROUND):
            connection.publish_soon("$aws/things/porch/infer", b'{"thumbs-up": 0.9}')
            if number == AROUND:
                connection.publish_soon("$aws/things/stranger/infer", b'{"thumbs-up": 0.9}')
        await wait_until(lambda: hub.count() == 2 * AROUND)

    assert hub.sql("SELECT code, device FROM quarantine") == [("unknown_device", "stranger")]


@pytest.mark.parametrize("payload", [json.dumps({"captured_at": "1970-01-01T00:00:05Z"}).encode()])
async def test_record_of_1970_is_corrected_and_reported(hub, device, payload):
    hub.start()
    async with device("porch") as sender:
        hello = {"epoch": "0123456789abcdef", "first": 1, "next": 2, "now": "1970-01-01T00:00:04Z"}
        said = json.dumps({**hello, "agent": "a", "nonce": "n"}).encode()
        sender.connection.publish_soon("lenshub/v1/porch/hello", said)
        await sender.acked(sender.record(payload))

    assert hub.sql("SELECT captured_at > '2020' FROM events") == [(1,)]
    assert hub.sql("SELECT kind FROM device_history") == [("clock_skew",)]
    (found,) = hub.json("device", "list")
    assert found["clock_skew_s"] > 1e9
