"""What a process writes, bounded on its way to the log."""

from __future__ import annotations

import logging

import pytest

from hub.isolation.chatter import LINES, LONGEST_CHARS, Chatter


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_chatter_names_the_plugin_and_joins_pieces_of_a_line(said):
    chatter = Chatter("p")
    chatter.feed(b"one li")
    chatter.feed(b"ne\nanother\nand a ")
    chatter.end()

    assert said() == ["plugin.says p: one line", "plugin.says p: another", "plugin.says p: and a"]


def test_chatter_bounds_lines_and_takes_their_controls_out(said):
    chatter = Chatter("p")
    chatter.feed(b"\x1b[31m" + b"x" * 10_000)
    chatter.feed(b"y" * 10_000 + b"\n")

    assert said() == ["plugin.says p: " + ("[31m" + "x" * LONGEST_CHARS)[:LONGEST_CHARS]]


def test_chatter_counts_what_is_beyond_its_rate_and_says_so(said):
    times = iter([0.0] * (LINES + 21) + [11.0] * 10)
    chatter = Chatter("p", lambda: next(times))
    chatter.feed(b"again\n" * (LINES + 20))
    chatter.feed(b"later\n")

    assert len(said()) == LINES + 2
    assert said()[-2:] == ["plugin.says p: ... and 20 lines more", "plugin.says p: later"]


def test_chatter_reads_the_level_that_a_line_is_marked_with(caplog):
    Chatter("p").feed(b"<3>bad\n<4>so so\nplain\n")

    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
