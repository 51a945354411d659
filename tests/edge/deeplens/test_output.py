"""What is printed: bounded, and without secrets."""

from __future__ import annotations

import asyncio

import pytest

from edge.deeplens.output import MAX_LINES, Blotter, relay


async def relayed(data: bytes) -> list[str]:
    stream, shown = asyncio.StreamReader(), []
    stream.feed_data(data)
    stream.feed_eof()
    await relay(stream, Blotter({"MY_TOKEN": "hunter22"}), shown.append)
    return shown


@pytest.mark.parametrize(
    "text",
    [
        "it is hunter22",
        "id AKIAABCDEFGHIJKLMNOP",
        "rtsp://me:pass@camera/1",
        "password=letmein",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE1",
    ],
)
def test_blotter_hides(text):
    cleaned = Blotter({"MY_TOKEN": "hunter22"}).clean(text)
    assert "[secret]" in cleaned
    assert not any(secret in cleaned for secret in ("hunter22", "AKIA", "pass@", "letmein", "wJalr"))


def test_blotter_leaves_what_is_no_secret():
    text = "thumbs-up: 87.50% image_at_20180816-183152.jpg 0123456789abcdef0123456789abcdef01234567"
    assert Blotter({"HOME": "thumbs"}).clean(text) == text


async def test_relay_cuts_long_lines_and_goes_on():
    first, second = await relayed(b"x" * 1_000_000 + b"\nshort\n")
    assert (len(first) < 600, second) == (True, "short")


async def test_relay_leaves_lines_out_when_there_are_too_many():
    shown = await relayed(b"x\n" * 5000)
    assert (len(shown), shown[-1]) == (MAX_LINES + 1, f"({5000 - MAX_LINES} more lines left out)")


async def test_relay_shows_no_control_characters():
    assert await relayed(b"a\x1b[31m\xffb") == ["a [31m\ufffdb"]
