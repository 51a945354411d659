"""A training's log, told of while it grows."""

from __future__ import annotations

from pathlib import Path

from hub.demo.loop.tenths import Tenths


def test_tenths_tell_once_in_a_tenth_of_the_steps(tmp_path: Path) -> None:
    log, told = tmp_path / "training.log", list[str]()
    log.touch()
    tenths = Tenths(log, told.append)
    tenths.look()
    for step in range(1, 61):
        with log.open("a", encoding="utf-8") as lines:
            lines.write(f"step {step} of 60: loss 0.500\n")
        tenths.look()
        tenths.look()
    assert [line.split(":")[0].strip() for line in told] == [f"step {n} of 60" for n in range(6, 61, 6)]


def test_tenths_do_not_tell_of_other_lines_or_half_a_step(tmp_path: Path) -> None:
    log, told = tmp_path / "training.log", list[str]()
    log.write_text("a warning\nstep 9 of 1")
    Tenths(log, told.append).look()
    assert told == []
