"""`lenshub decode` shows what the hub makes of a payload, without storing anything."""

from __future__ import annotations

import json

import pytest

TOPIC = ("--topic", "$aws/things/porch/infer")


def test_decode_reads_a_file(lenshub, folder):
    (folder / "payload").write_bytes(b'{"thumbs-up": 0.8713}')
    done = lenshub("decode", "payload", *TOPIC, "--json")
    found = json.loads(done.output)

    assert (done.exit_code, sorted(found)) == (0, ["errors", "events", "status"])
    assert found["events"][0]["detections"][0]["label"] == "thumbs-up"
    assert list(folder.iterdir()) == [folder / "payload"]


@pytest.mark.parametrize("dash", [(), ("-",)])
def test_decode_reads_standard_input(lenshub, dash):
    done = lenshub("decode", *dash, *TOPIC, given=b'{"thumbs-up": 0.8713}')

    assert done.exit_code == 0
    assert "event from porch" in done.output
    assert "thumbs-up 87.13%" in done.output


def test_decode_shows_a_status(lenshub):
    found = json.loads(lenshub("decode", *TOPIC, "--json", given=b"Object detection model loaded").output)

    assert [(s["device"], s["kind"]) for s in found["status"]] == [("porch", "model_loaded")]


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("$aws/things/porch/infer", b"\xff", "not_utf8"),
        ("elsewhere", b"{}", "bad_topic"),
        ("lenshub/v1/porch/events/0123456789abcdef/1", b"{", "not_json"),
    ],
)
def test_decode_exits_with_1_when_it_is_refused(lenshub, topic, payload, code):
    plain, as_json = (lenshub("decode", "-t", topic, *more, given=payload) for more in ((), ("--json",)))

    assert (plain.exit_code, as_json.exit_code) == (1, 1)
    assert f"refused: {code}: " in plain.output
    (error,) = json.loads(as_json.stdout)["errors"]
    assert (error["code"], sorted(error)) == (code, ["code", "reason"])


def test_decode_of_a_file_that_is_not_there_says_so(lenshub):
    done = lenshub("decode", "none", *TOPIC)

    assert (done.exit_code, done.output) == (1, "none: cannot be read: No such file or directory\n")
