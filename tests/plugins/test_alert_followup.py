"""What follows an alert as time goes by: silences, recoveries, escalations, and what a restart has left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, update

from hub.event import Detection
from hub.store.recall import write_done_effect
from hub.store.schema import devices
from plugins.alert_followup import Running, Step, list_due

# Apprise loads all its services at once, and one of them still knows Python 3.12's imghdr.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def table(webhook: Any, *names: str, **more: Any) -> dict[str, Any]:
    webhooks = [{"url": f"http://{webhook.address}/{name}"} for name in names]
    return {"webhooks": webhooks, "allow_hosts": ["127.0.0.1"], "log": False, **more}


async def pass_time(hub: Any, alerts: Any, *steps_s: float) -> None:
    """Let the clock go on, and the instance look at it after each step."""
    for step_s in steps_s:
        hub.now += timedelta(seconds=step_s)
        await hub.tick(alerts)


def titles(webhook: Any) -> list[str]:
    return [post["title"] for _, post in webhook.posts]


async def set_device(hub: Any, name: str, **members: Any) -> None:
    """Have the store say of a device when it was heard and how it is."""
    members = {"last_seen_at": hub.now, "state_at": hub.now, **members}

    def change(connection: Any) -> None:
        row = update(devices).where(devices.c.name == name).values(**members)
        if connection.execute(row).rowcount == 0:
            connection.execute(insert(devices).values(name=name, first_seen_at=hub.now, **members))

    await hub.writer.change(change)


async def acknowledge(hub: Any, alert: str) -> None:
    key = f"ack/{alert}"
    await hub.writer.change(lambda c: write_done_effect(c, "threshold-alerts", key, 0, hub.now))


async def test_silence_is_told_once_and_so_is_its_end(hub: Any, webhook: Any) -> None:
    await set_device(hub, "Seattle01")
    settings = table(webhook, "hook", rule="absent", after_s=600)
    async with hub.running("threshold-alerts", **settings) as alerts:
        await pass_time(hub, alerts, 0, 599)
        assert webhook.posts == []
        await pass_time(hub, alerts, 2, 60, 60)
        await set_device(hub, "Seattle01")
        await pass_time(hub, alerts, 1, 60)
    assert titles(webhook) == [
        "nothing for 10 minutes on Seattle01",
        "Over: nothing for 10 minutes on Seattle01",
    ]
    assert webhook.posts[0][1]["alert"] == "absent:Seattle01:20180816T183152"
    assert "over after 2 minutes" in webhook.posts[1][1]["body"]


async def test_silence_is_told_again_when_it_comes_again(hub: Any, webhook: Any) -> None:
    settings = table(webhook, "hook", rule="absent", after_s=600, recovery=False, cooldown_s=0)
    async with hub.running("threshold-alerts", **settings) as alerts:
        for _ in range(2):
            await set_device(hub, "Seattle01")
            await pass_time(hub, alerts, 1, 601, 5)
    assert titles(webhook) == ["nothing for 10 minutes on Seattle01"] * 2


async def test_silence_is_not_found_before_devices_had_time_to_find_the_hub(hub: Any, webhook: Any) -> None:
    await set_device(hub, "Seattle01", last_seen_at=hub.now - timedelta(days=1))
    async with hub.running("threshold-alerts", **table(webhook, "hook", rule="absent")) as alerts:
        await pass_time(hub, alerts, 0, 119)
        assert webhook.posts == []
        await pass_time(hub, alerts, 2)
    assert len(webhook.posts) == 1


async def test_silence_of_a_device_that_never_spoke_is_told_when_it_is_listed(hub: Any, webhook: Any) -> None:
    settings = table(webhook, "hook", rule="absent", devices=["Never01"], after_s=60)
    async with hub.running("threshold-alerts", **settings) as alerts:
        await pass_time(hub, alerts, 0, 61)
    assert titles(webhook) == ["nothing for 1 minute on Never01"]


async def test_silence_of_a_label_is_ended_by_an_event_that_shows_it(hub: Any, webhook: Any) -> None:
    await hub.store()
    settings = table(webhook, "hook", rule="absent", labels=["thumbs-up"], after_s=60)
    async with hub.running("threshold-alerts", **settings) as alerts:
        await pass_time(hub, alerts, 0, 61)
        await hub.store(detections=(Detection(label="fist", confidence=0.9),))
        await pass_time(hub, alerts, 5)
        await hub.store()
        await pass_time(hub, alerts, 5)
    assert titles(webhook) == [
        "no thumbs-up for 1 minute on Seattle01",
        "Over: no thumbs-up for 1 minute on Seattle01",
    ]


async def test_silence_of_one_camera_is_told_though_its_device_goes_on(hub: Any, webhook: Any) -> None:
    for camera in ("door", "yard"):
        await hub.store(attributes={"camera": camera})
    settings = table(
        webhook, "hook", rule="absent", cameras=["door", "yard"], devices=["Seattle01"], after_s=60
    )
    async with hub.running("threshold-alerts", **settings) as alerts:
        await pass_time(hub, alerts, 0, 50)
        await hub.store(attributes={"camera": "yard"})
        await pass_time(hub, alerts, 15)
    assert titles(webhook) == ["nothing for 1 minute on Seattle01, camera door"]


async def test_devices_offline_are_watched_by_pattern_and_by_name(hub: Any, webhook: Any) -> None:
    for name in ("Seattle01", "Chicago01"):
        await set_device(hub, name, state="offline")
    settings = table(webhook, "hook", rule="offline", after_s=60, devices=["Sea*", "never-heard"])
    async with hub.running("threshold-alerts", **settings) as alerts:
        await pass_time(hub, alerts, 0, 300)
    assert titles(webhook) == ["offline on Seattle01"]


async def test_device_offline_is_told_after_a_while_and_so_is_its_return(hub: Any, webhook: Any) -> None:
    await set_device(hub, "Seattle01", state="online")
    settings = table(webhook, "hook", rule="offline", after_s=60)
    async with hub.running("threshold-alerts", **settings) as alerts:
        await pass_time(hub, alerts, 0, 300)
        await set_device(hub, "Seattle01", state="offline")
        await pass_time(hub, alerts, 59)
        assert webhook.posts == []
        await pass_time(hub, alerts, 2)
        await set_device(hub, "Seattle01", state="online")
        await pass_time(hub, alerts, 1)
    assert titles(webhook) == ["offline on Seattle01", "Over: offline on Seattle01"]


async def test_count_that_falls_with_time_ends_its_alert(hub: Any, webhook: Any) -> None:
    events = [await hub.store() for _ in range(3)]
    settings = table(webhook, "hook", rule="above", measure="count", level=2, within_s=60)
    async with hub.running("threshold-alerts", **settings) as alerts:
        assert (await hub.deliver(alerts, events[-1])).outcome == "done"
        await pass_time(hub, alerts, 5, 50, 10)
    assert [post["notice"] for _, post in webhook.posts] == ["alert", "recovered"]


async def test_count_below_its_level_is_found_by_the_clock(hub: Any, webhook: Any) -> None:
    settings = table(
        webhook, "hook", rule="below", measure="count", level=1, within_s=60, devices=["Seattle01"]
    )
    async with hub.running("threshold-alerts", **settings) as alerts:
        event = await hub.store()
        await pass_time(hub, alerts, 0, 59)
        assert (await hub.deliver(alerts, event)).outcome == "done"
        assert webhook.posts == []
        await pass_time(hub, alerts, 10)
        await hub.store()
        await pass_time(hub, alerts, 1)
    assert titles(webhook) == ["events below 1 (0) on Seattle01", "Over: events below 1 on Seattle01"]


async def test_escalation_comes_when_nobody_acknowledges(hub: Any, webhook: Any) -> None:
    steps = [{"after_s": 600}, {"after_s": 1800, "webhooks": [{"url": f"http://{webhook.address}/boss"}]}]
    settings = table(webhook, "me", escalations=steps)
    async with hub.running("threshold-alerts", **settings) as alerts:
        await hub.deliver(alerts, await hub.store())
        await pass_time(hub, alerts, 1, 598, 2, 10, 1200, 10, 7200)
    assert webhook.names() == ["boss", "me", "me"]
    assert titles(webhook)[1:] == [
        "Nobody acknowledged for 10 minutes: thumbs-up on Seattle01",
        "Nobody acknowledged for 30 minutes: thumbs-up on Seattle01",
    ]
    assert "lenshub alerts ack 1 --plugin threshold-alerts" in webhook.posts[1][1]["body"]


async def test_escalation_ends_when_somebody_acknowledges(hub: Any, webhook: Any) -> None:
    settings = table(webhook, "me", escalations=[{"after_s": 600}, {"after_s": 1800}])
    async with hub.running("threshold-alerts", **settings) as alerts:
        await hub.deliver(alerts, await hub.store())
        await pass_time(hub, alerts, 601)
        await acknowledge(hub, "1")
        await pass_time(hub, alerts, 1300, 10)
    assert [post["notice"] for _, post in webhook.posts] == ["alert", "escalated"]


async def test_what_follows_an_alert_outlasts_restarts_and_comes_once(hub: Any, webhook: Any) -> None:
    settings = table(webhook, "me", rule="above", level=0, escalations=[{"after_s": 600}])
    run = partial(hub.running, "threshold-alerts", **settings)
    async with run() as alerts:
        await hub.deliver(alerts, await hub.store())
    for _ in range(3):
        async with run() as alerts:
            await pass_time(hub, alerts, 300, 1)
    async with run() as alerts:
        await hub.deliver(alerts, await hub.store(detections=()))
    for _ in range(2):
        async with run() as alerts:
            await pass_time(hub, alerts, 1)
    assert [post["notice"] for _, post in webhook.posts] == ["alert", "escalated", "recovered"]


async def test_what_follows_is_tried_again_where_it_failed_only_and_given_up_after_two_hours(
    hub: Any, webhook: Any, caplog: Any
) -> None:
    await set_device(hub, "Seattle01")
    webhook.failing = {"one"}
    async with hub.running(
        "threshold-alerts", **table(webhook, "one", "two", rule="absent", after_s=60)
    ) as alerts:
        await pass_time(hub, alerts, 0, 61, 1, 20)
        assert webhook.names() == ["one", "one", "two"]
        await pass_time(hub, alerts, *[600] * 13)
        tries = len(webhook.posts)
        webhook.failing = set()
        await pass_time(hub, alerts, 600, 600)
    assert len(webhook.posts) == tries
    assert (
        "alert.undelivered alert of alert absent:Seattle01:20180816T183152 to webhook 127.0.0.1"
        in caplog.text
    )


STEPS: Sequence[Step] = (Step(60, ()), Step(120, ()))


@pytest.mark.parametrize(
    ("members", "after_s", "names"),
    [
        ({}, 59, []),
        ({}, 60, ["escalated-1"]),
        ({}, 500, ["escalated-1", "escalated-2"]),
        ({"acknowledged": True}, 500, []),
        ({"untold": True}, 0, ["alert"]),
        ({"ended_at": NOW}, 500, ["recovered"]),
    ],
)
def test_notices_that_are_due(members: dict[str, Any], after_s: float, names: list[str]) -> None:
    alert = Running("1", "Seattle01", "what", NOW, **members)
    now = NOW + timedelta(seconds=after_s)
    assert [due.name for due in list_due(alert, STEPS, (), now, recovery=True)] == names
