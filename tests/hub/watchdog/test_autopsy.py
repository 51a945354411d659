"""What is found out at the start about how the last run ended."""

from __future__ import annotations

from hub.watchdog.autopsy import examine_last_run
from hub.watchdog.held_back import HeldBack
from hub.watchdog.presence import EVENT, ON_LOOP, Presence


def test_hub_starts_though_the_end_of_its_last_run_cannot_be_written_down(tmp_path, caplog):
    last = Presence(tmp_path / "on-the-loop")
    last.cells[ON_LOOP], last.cells[EVENT] = last.number("p"), 7
    (tmp_path / ".held-back.json.partial").mkdir()

    examine_last_run(tmp_path, HeldBack(tmp_path, {"p": {}}))

    assert "hub.died: how the last run ended could not be read or written down" in caplog.text
