"""Uploads refused at the door leave a line in the log, and a flood of them no flood of lines."""

from __future__ import annotations

from hub.images.turned_away import TurnedAway


async def test_many_of_a_kind_are_one_line_at_once_and_a_count_later(caplog):
    door = TurnedAway()
    for code in ("no_token", "no_token", "picture_empty", "no_token"):
        door.note(code)
    assert [record.getMessage() for record in caplog.records] == [
        "http.refused no_token: uploads refused at the door: 1",
        "http.refused picture_empty: uploads refused at the door: 1",
    ]
    door.close()

    assert caplog.messages[2:] == ["http.refused no_token: uploads refused at the door: 2"]


async def test_the_count_is_told_when_the_time_is_over(caplog, wait_until):
    door = TurnedAway(every_s=0.01)
    door.note("no_token")
    door.note("no_token")
    await wait_until(lambda: len(caplog.messages) == 2)
    door.close()
