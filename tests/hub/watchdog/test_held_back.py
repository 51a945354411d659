"""Which instances are held back, for how long."""

from __future__ import annotations

import pytest

from hub.watchdog.held_back import HeldBack


@pytest.fixture
def held(tmp_path):
    return lambda **tables: HeldBack(tmp_path, tables)


def test_held_instance_is_refused_with_the_reason_and_what_to_do(held):
    held(p={"a": 1}).hold("p", "it blocked the hub")
    refusal = held(p={"a": 1}).refusal("p")

    assert "it blocked the hub" in refusal
    assert 'isolation = "process"' in refusal
    assert "lenshub release p" in refusal
    assert held(q={}).refusal("q") is None


@pytest.mark.parametrize("table", [{"a": 2}, {"a": 1, "isolation": "process"}])
def test_held_instance_runs_again_once_its_table_is_changed(held, table):
    held(p={"a": 1}).hold("p", "it blocked the hub")

    assert held(p=table).refusal("p") is None


def test_instance_is_held_back_with_the_table_that_was_read_last(held):
    book = held(p={"a": 1})
    book.follow({"p": {"a": 2}})
    book.hold("p", "x")

    assert held(p={"a": 1}).refusal("p") is None
    assert held(p={"a": 2}).refusal("p")


def test_held_instance_runs_again_once_it_is_released(held):
    held(p={}).hold("p", "x")
    held(q={}).hold("q", "y")

    assert held().release("p")
    assert not held().release("p")
    assert held(p={}).refusal("p") is None
    assert held(q={}).refusal("q")


def test_suspect_is_counted_as_long_as_it_is_the_same_in_a_row(held):
    deaths = [
        held().suspect(name, event) for name, event in (("p", 1), ("p", 1), ("p", 2), ("q", 2), ("q", 2))
    ]

    assert deaths == [1, 2, 1, 1, 2]


def test_damaged_file_holds_nobody_back(held, tmp_path):
    (tmp_path / "held-back.json").write_text("{")

    assert held(p={}).refusal("p") is None
