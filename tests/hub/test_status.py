"""The status tells what is there, and puts first what somebody should look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from hub.config import Config
from hub.decode.message import Status as DeviceStatus
from hub.instances import says, trouble
from hub.review.applying import Applier
from hub.review.settings import ReviewSettings
from hub.status import Status, read_status
from hub.store.batches import begin_batch
from hub.store.calls import begin_call
from hub.store.plugin_parts import note_parts
from hub.store.plugin_state import note_state
from hub.store.review_tallies import STATES
from hub.store.schema import captures, cursors, deliveries, reviews
from hub.wire.protocol import CHECKED

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of a machine that tests may be full."""
    monkeypatch.setattr("hub.status.LITTLE_DISK", 0)


@pytest.fixture
def told(store: Any) -> Any:
    """A function that reads the status for a hub.toml with some plugins."""

    async def read(**plugins: Any) -> Status:
        settings = Config.model_validate({"hub": {"data_dir": str(store.data_dir)}, "plugins": plugins})
        return await read_status(settings, store.engine, NOW)

    return read


async def write(store: Any, *statements: Any) -> None:
    for statement in statements:
        await store.writer.change(lambda connection, one=statement: connection.execute(one))


async def test_status_of_a_new_store_says_that_no_hub_runs(told: Any) -> None:
    found = await told()

    assert found.problems == ["no hub is running: `lenshub run`"]
    assert (found.newest, found.devices, found.review, found.database_bytes > 0) == (None, [], {}, True)


async def test_status_names_the_newest_event(told: Any, store: Any, arrivals: Any, soon: Any) -> None:
    await soon(store.add(arrivals.plain(), arrivals.plain()))

    assert ((await told()).newest or {})["id"] == 2


async def test_status_lists_what_is_dead_and_who_failed(told: Any, store: Any) -> None:
    await write(
        store,
        insert(deliveries).values(
            plugin="retraining", event_id=1, run_id="", outcome="dead", attempt=5, reason="no", note="",
            updated_at=NOW,
        ),
    )  # fmt: skip
    found = await told(retraining={}, tweets={"use": "no-such"})

    assert "retraining: 1 dead: `lenshub deliveries --plugin retraining --outcome dead`" in found.problems
    assert any(line.startswith("tweets is failed: plugins.tweets.use: no plugin") for line in found.problems)


async def test_status_tells_spending_beside_budgets(told: Any, store: Any) -> None:
    for hours, key in ((1, "a"), (30, "b")):
        at = NOW - timedelta(hours=hours)
        await store.writer.change(
            partial(begin_call, plugin="signs", key=key, operation="text", price=0.0095, now=at)
        )
    table = {"use": "rekognition", "operations": ["text"], "images": {"folder": "p"}}
    found = await told(signs=table | {"budget_usd_per_day": 0.01, "budget_usd_per_month": 5.0})

    [spent] = found.spending
    assert (spent.day, spent.month, spent.day_budget, spent.month_budget) == (0.0095, 0.019, 0.01, 5.0)
    assert "signs: USD 0.0095 of 0.0100 for 24 hours are spent" in found.problems
    nothing = await told(signs=table | {"budget_usd_per_day": 0})
    assert any(line.startswith("signs: USD 0.0095 of ") for line in nothing.problems)


async def test_status_tells_the_batch_under_way(told: Any, store: Any) -> None:
    last_month = NOW - timedelta(days=40)
    await store.writer.change(partial(begin_batch, plugin="thumbs", backlog=7, now=last_month))

    assert [(one.plugin, one.state, one.pictures) for one in (await told()).batches] == [
        ("thumbs", "beginning", 7)
    ]


async def test_status_counts_captures_by_state(told: Any, store: Any, arrivals: Any, soon: Any) -> None:
    await soon(store.add(arrivals.plain()))
    row = {
        "plugin": "t",
        "event_id": 1,
        "device": "porch",
        "reasons": ["random"],
        "score": 1,
        "chosen_at": NOW,
    }
    await write(store, insert(captures).values(row))

    assert (await told()).review == dict.fromkeys(STATES, 0) | {"open": 1}


async def test_status_counts_an_event_once_whatever_amends_it(
    told: Any, store: Any, arrivals: Any, soon: Any
) -> None:
    await soon(store.add(arrivals.plain()))
    verdict = {"event_id": 1, "reviewer": "ann", "verdict": "accepted", "note": "", "made_at": NOW}
    await write(store, insert(reviews).values(verdict))
    await Applier(store.writer, store.engine, ReviewSettings()).apply_all()
    assert store.sql("SELECT amends FROM events") == [(None,), (1,)]

    found = await told()
    assert [one["events"] for one in found.devices] == [1]
    assert found.newest is not None
    assert found.newest["id"] == 1


async def test_status_counts_what_is_refused(told: Any, store: Any, arrivals: Any, soon: Any) -> None:
    await soon(store.add(arrivals.refused(), arrivals.refused()))
    found = await told()

    assert (found.quarantine, found.problems[-1]) == (
        {"not_json": 2},
        "2 messages refused: `lenshub quarantine list`",
    )


async def test_status_of_instances_is_behind_and_not_well(told: Any, store: Any) -> None:
    row = {"plugin": "retraining", "partition": 0, "run_id": "", "start": 0, "position": 0}
    await write(store, insert(cursors).values(row | {"done": 0, "filtered": 0, "updated_at": NOW}))
    await store.writer.change(partial(note_state, plugin="retraining", state="running", reason=""))
    reports = {"images": (True, "3 stored"), "waits": (False, "about 2 hours: too many")}
    await store.writer.change(partial(note_parts, plugin="retraining", reports=reports))
    [one] = (await told(retraining={})).instances

    assert one["behind"] == 0
    assert (says(one), trouble(one)) == ("images: 3 stored", "waits: about 2 hours: too many")


async def test_status_does_not_count_a_check_as_a_problem(
    told: Any, store: Any, arrivals: Any, soon: Any
) -> None:
    for kind, text in (("online", ""), ("offline", CHECKED)):
        said = DeviceStatus(device="porch", kind=kind, text=text, at=NOW)
        await soon(store.add(arrivals(statuses=(said,), device="porch")))
    found = await told()

    assert [(device["state"], device["state_text"]) for device in found.devices] == [("offline", CHECKED)]
    assert found.problems == ["no hub is running: `lenshub run`"]
