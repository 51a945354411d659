"""What authors' code raises, however odd: said on one clean line, and told from the hub's own stopping."""

from __future__ import annotations

import asyncio

import pytest

from hub.authored import in_words, is_stop


class UnspeakableError(Exception):
    """Its text cannot be had."""

    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no key"), "ValueError: no key"),
        (ValueError(), "ValueError"),
        (UnspeakableError("x"), "UnspeakableError"),
        (OSError("a\udcffb\x00c\n\x1b[31md\u202ee"), "OSError: a b c [31md e"),
        (ValueError("a" * 5_000_000), "ValueError: " + "a" * 2000),
        (type("Odd\u202e", (Exception,), {})("x"), "Odd: x"),
    ],
    ids=["text", "none", "fails", "marks", "long", "name"],
)
def test_error_is_said_on_one_clean_line(error, said):
    assert in_words(error) == said


async def test_cancellation_of_an_authors_own_is_no_stop():
    assert not is_stop(asyncio.CancelledError())
    assert not is_stop(KeyboardInterrupt())


async def test_cancellation_from_outside_is_a_stop():
    async def wait():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            return is_stop(error)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()

    assert await waiting
