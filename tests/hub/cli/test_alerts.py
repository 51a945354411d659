"""`lenshub alerts` lists alerts of all plugins and acknowledges one, beside a running hub."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hub.store import alerts
from hub.store.recall import write_done_effect
from plugins import alert_ledger

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def written(store, folder):
    """A store with two alerts of `door` and one of `freezer`, whose writer is running."""
    (folder / "hub.toml").write_text('[hub]\ndata_dir = "../data"\n')

    def write(connection):
        for plugin, key in (
            ("door", "alert/4"),
            ("door", "alert/42"),
            ("door", "to/42/alert/0a"),
            ("door", "end/4"),
            ("freezer", "alert/42"),
            ("tweet", "tweet/42"),
        ):
            write_done_effect(connection, plugin, key, 42, AT)

    await store.writer.change(write)


async def test_alerts_list_says_what_came_of_each(written, lenshub):
    found = json.loads(lenshub("alerts", "list", "--json").stdout)

    seen = {(one["plugin"], one["alert"]): (one["sent"], one["ended_at"] is not None) for one in found}
    assert seen == {("door", "42"): (1, False), ("door", "4"): (0, True), ("freezer", "42"): (0, False)}
    assert "not acknowledged" in lenshub("alerts", "list", "--plugin", "freezer").stdout


async def test_alerts_ack_is_written_once_while_the_hub_runs(written, lenshub):
    assert lenshub("alerts", "ack", "4").stdout.strip() == "alert 4 of door is acknowledged"
    first = json.loads(lenshub("alerts", "ack", "4", "--json").stdout)["acknowledged_at"]
    assert json.loads(lenshub("alerts", "ack", "4", "--json").stdout)["acknowledged_at"] == first


async def test_alerts_ack_asks_which_where_several_plugins_have_one(written, lenshub):
    done = lenshub("alerts", "ack", "42")
    assert (done.exit_code, done.stderr.strip()) == (
        1,
        "alert 42 is one of several plugins: say --plugin, one of door, freezer",
    )
    assert lenshub("alerts", "ack", "42", "--plugin", "freezer").exit_code == 0
    found = json.loads(lenshub("alerts", "list", "--json").stdout)
    assert [one["plugin"] for one in found if one["acknowledged_at"]] == ["freezer"]


async def test_alerts_ack_says_so_when_there_is_no_such_alert(written, lenshub):
    done = lenshub("alerts", "ack", "7")
    assert (done.exit_code, "there is no alert 7; `lenshub alerts list`" in done.stderr) == (1, True)
    done = lenshub("alerts", "ack", "4", "--plugin", "nope")
    assert done.stderr == "no alert is of a plugin 'nope' (known: door, freezer)\n"


def test_alerts_are_looked_for_where_the_plugin_writes_them():
    names = ("BEGAN", "ENDED", "ACKNOWLEDGED", "SENT")
    assert [getattr(alerts, name) for name in names] == [getattr(alert_ledger, name) for name in names]
