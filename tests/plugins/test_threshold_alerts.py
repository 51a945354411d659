"""Alerts: what deserves one, the cooldown, and channels that fail or do not answer."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub.event import Detection

# Apprise loads all its services at once, and one of them still knows Python 3.12's imghdr.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def seen(label: str, confidence: float) -> Detection:
    return Detection(label=label, confidence=confidence)


async def alert(hub: Any, events: list[Any], **table: Any) -> list[Any]:
    """Deliver events one after another to one instance; return the verdicts."""
    async with hub.running("threshold-alerts", **table) as alerts:
        return [await hub.deliver(alerts, event) for event in events]


async def test_alert_goes_to_the_log_by_default(hub: Any, caplog: pytest.LogCaptureFixture) -> None:
    (verdict,) = await alert(hub, [await hub.store()])
    assert (verdict.outcome, verdict.note) == ("done", "alerted: log")
    expected = (
        "alert thumbs-up on Seattle01: thumbs-up at 2018-08-16 18:31:52 (UTC) on Seattle01, "
        "confidence 93% (event 1)"
    )
    assert expected in caplog.messages


@pytest.mark.parametrize(
    ("table", "members", "reason"),
    [
        ({"labels": ["fist", "per*"]}, {}, "no label that is watched (fist or per*)"),
        ({"devices": ["Chicago*"]}, {}, "device Seattle01 is not watched (Chicago*)"),
        ({"cameras": ["door?"]}, {}, "camera without a name is not watched (door?)"),
        ({"min_confidence": 0.95}, {}, "confidence 0.93 is below 0.95"),
        ({}, {"detections": ()}, "no detections"),
        ({"count": 2}, {}, "seen 1 of 2 times within 60 s"),
    ],
)
async def test_alert_is_skipped_with_the_reason(
    hub: Any, table: dict[str, Any], members: dict[str, Any], reason: str
) -> None:
    (verdict,) = await alert(hub, [await hub.store(**members)], **table)
    assert (verdict.outcome, verdict.reason) == ("skipped", reason)


@pytest.mark.parametrize("table", [{"labels": ["thumbs-*"]}, {"devices": ["Sea*"]}, {"cameras": ["d??r"]}])
async def test_alert_takes_patterns_as_match_does(hub: Any, table: dict[str, Any]) -> None:
    (verdict,) = await alert(hub, [await hub.store(attributes={"camera": "door"})], **table)
    assert verdict.note == "alerted: log"


async def test_alert_is_sent_once_the_count_is_reached_within_the_window(hub: Any) -> None:
    events = []
    for after_s in (0, 100, 5, 5):
        hub.now += timedelta(seconds=after_s)
        events.append(await hub.store())
    verdicts = await alert(hub, events, count=3, within_s=60)
    assert [v.outcome for v in verdicts] == ["skipped", "skipped", "skipped", "done"]


async def test_alert_counts_only_its_own_label_and_device(hub: Any) -> None:
    await hub.store(detections=(seen("fist", 0.9),))
    await hub.store(device="Chicago01")
    await hub.store(detections=(seen("thumbs-up", 0.5),))
    last = await hub.store(detections=(seen("thumbs-up", 0.9), seen("thumbs-up", 0.85)))
    (verdict,) = await alert(hub, [last], count=2, labels=["thumbs-up", "fist"])
    assert verdict.reason == "seen 1 of 2 times within 60 s"


async def test_alert_for_all_devices_counts_over_those_that_are_watched(hub: Any) -> None:
    for device in ("Chicago01", "Elsewhere", "Seattle01"):
        last = await hub.store(device=device)
    watched = ["Chicago01", "Seattle01"]
    (three,) = await alert(hub, [last], per="all", count=3, devices=watched)
    (two,) = await alert(hub, [last], per="all", count=2, devices=watched)
    assert (three.outcome, two.outcome) == ("skipped", "done")


async def test_alert_of_any_label_counts_every_label(hub: Any) -> None:
    await hub.store(detections=(seen("fist", 0.9),))
    (verdict,) = await alert(hub, [await hub.store()], count=2)
    assert verdict.outcome == "done"


async def test_cooldown_holds_over_a_restart_and_then_ends(hub: Any) -> None:
    outcomes = []
    for _ in range(3):
        (verdict,) = await alert(hub, [await hub.store()], cooldown_s=300)
        outcomes.append((verdict.outcome, verdict.reason))
        hub.now += timedelta(seconds=200)
    cooling = "cooldown of Seattle01 holds until 2018-08-16 18:36:52 UTC"
    assert outcomes == [("done", ""), ("skipped", cooling), ("done", "")]


async def test_cooldown_is_of_each_device_unless_told_otherwise(hub: Any) -> None:
    events = [await hub.store(device=device) for device in ("Seattle01", "Chicago01")]
    each = await alert(hub, events)
    hub.now += timedelta(hours=1)
    events = [await hub.store(device=device) for device in ("Seattle01", "Chicago01")]
    together = await alert(hub, events, per="all")
    assert [v.outcome for v in each + together] == ["done", "done", "done", "skipped"]


async def test_cooldown_of_one_camera_does_not_silence_another_of_its_device(hub: Any) -> None:
    def store() -> list[Any]:
        return [hub.store(attributes={"camera": camera}) for camera in ("door", "yard", "door")]

    each = await alert(hub, [await event for event in store()])
    hub.now += timedelta(hours=1)
    together = await alert(hub, [await event for event in store()], per="device")
    assert [v.outcome for v in each] == ["done", "done", "skipped"]
    assert "cooldown of Seattle01/door holds" in each[2].reason
    assert [v.outcome for v in together] == ["done", "skipped", "skipped"]


async def test_alert_counts_only_its_own_camera_and_says_which_it_is(hub: Any, caplog: Any) -> None:
    for camera in ("door", "yard"):
        last = await hub.store(attributes={"camera": camera})
    (one,) = await alert(hub, [last], count=2)
    (both,) = await alert(hub, [last], count=2, per="device", cameras=["door", "yard"])
    (other,) = await alert(hub, [last], cameras=["door"])
    assert (one.reason, both.outcome) == ("seen 1 of 2 times within 60 s", "done")
    assert other.reason == "camera yard is not watched (door)"
    assert "thumbs-up on Seattle01, camera yard" in caplog.text


async def test_alerts_at_the_same_time_share_one_cooldown(hub: Any) -> None:
    events = [await hub.store() for _ in range(8)]
    async with hub.running("threshold-alerts") as alerts:
        verdicts = await asyncio.gather(*(hub.deliver(alerts, event) for event in events))
    assert sorted(v.outcome for v in verdicts) == ["done", *["skipped"] * 7]


async def test_alert_reaches_every_channel_with_the_picture(hub: Any, picture: bytes, webhook: Any) -> None:
    channels = [webhook.url("one"), webhook.url("two")]
    table = {"channels": channels, "title": "{label}!", "body": "seen {count}x"}
    (verdict,) = await alert(hub, [await hub.store(picture)], **table)
    assert (verdict.outcome, verdict.note) == ("done", "alerted: log, 2 targets")
    assert webhook.names() == ["one", "two"]
    post = webhook.posts[0][1]
    assert (post["title"], post["message"]) == ("thumbs-up!", "seen 1x")
    assert base64.b64decode(post["attachments"][0]["base64"]) == picture


async def test_alert_goes_out_without_a_picture_that_is_gone(hub: Any, picture: bytes, webhook: Any) -> None:
    event = await hub.store(picture)
    hub.frames.path(event.device, event.frame).unlink()
    (verdict,) = await alert(hub, [event], channels=[webhook.url("one")])
    assert verdict.note == "alerted: log, 1 target"
    assert webhook.posts[0][1]["attachments"] == []


async def test_alert_retries_only_the_channel_that_failed(
    hub: Any, webhook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.failing = {"two"}
    event = await hub.store()
    channels = [webhook.url("one"), webhook.url("two")]
    async with hub.running("threshold-alerts", channels=channels) as alerts:
        first = await hub.deliver(alerts, event)
        webhook.failing = set()
        second = await hub.deliver(alerts, event, attempt=2)
    assert (first.outcome, second.outcome) == ("retrying", "done")
    assert "JSON failed: " in first.reason
    assert second.note == "alerted: log, 2 targets"
    assert webhook.names() == ["one", "two", "two"]
    assert len([line for line in caplog.messages if line.startswith("alert ")]) == 1


async def test_alert_failure_shows_no_part_of_the_url(
    hub: Any, free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = f"json://user:s3cret-word@127.0.0.1:{free_port}/path-token?method=POST"
    (verdict,) = await alert(hub, [await hub.store()], channels=[secret])
    shown = verdict.reason + caplog.text
    assert verdict.outcome == "retrying"
    assert "127.0.0.1" in verdict.reason
    assert "s3cret-word" not in shown
    assert "path-token" not in shown


async def test_alert_that_gets_no_answer_is_left_unknown_and_not_repeated(
    hub: Any, webhook: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.alert_channel.SEND_S", 1)
    webhook.hanging = {"slow"}
    event = await hub.store()
    quick = {"url": f"http://{webhook.address}/quick"}  # its deadline is another
    table = {"channels": [webhook.url("slow")], "webhooks": [quick], "allow_hosts": ["127.0.0.1"]}
    async with hub.running("threshold-alerts", log=False, **table) as alerts:
        first = await hub.deliver(alerts, event)
        await wait_until(lambda: len(webhook.posts) == 2, 60)  # what was given up goes on in its thread
        webhook.hanging = set()
        second = await hub.deliver(alerts, event, attempt=2)
    assert (first.outcome, second.outcome) == ("unknown", "unknown")
    assert "JSON did not answer within 1 s (alerted: 1 target)" in first.reason
    assert webhook.names() == ["quick", "slow"]


async def test_alert_to_one_url_with_several_recipients_retries_only_the_one_that_failed(
    hub: Any, webhook: Any
) -> None:
    webhook.failing = {"two"}
    event = await hub.store()
    async with hub.running("threshold-alerts", channels=[f"ntfy://{webhook.address}/one/two"]) as alerts:
        first = await hub.deliver(alerts, event)
        webhook.failing = set()
        second = await hub.deliver(alerts, event, attempt=2)
    assert (first.outcome, second.outcome) == ("retrying", "done")
    assert webhook.names() == ["one", "two", "two"]


async def test_alert_goes_on_where_its_targets_were_put_in_another_order(hub: Any, webhook: Any) -> None:
    webhook.failing = {"two"}
    event = await hub.store()
    await alert(hub, [event], channels=[webhook.url("one"), webhook.url("two")])
    webhook.failing = set()
    await alert(hub, [event], channels=[webhook.url("two"), webhook.url("one")])
    assert webhook.names() == ["one", "two", "two"]


async def test_alert_interrupted_before_its_channels_is_taken_up_again(hub: Any, webhook: Any) -> None:
    event = await hub.store()
    webhook.hanging = {"one"}
    table = {"channels": [webhook.url("one"), webhook.url("two")]}
    webhook.failing = {"two"}
    async with hub.running("threshold-alerts", **table) as alerts:
        attempt = asyncio.create_task(hub.deliver(alerts, event))
        async with asyncio.timeout(60):
            while len(webhook.posts) < 2:  # noqa: ASYNC110 - the posts are outside
                await asyncio.sleep(0.01)
        attempt.cancel()
        await asyncio.wait([attempt])
        webhook.failing = set()
        verdict = await hub.deliver(alerts, event, attempt=2)
    assert webhook.names()[:2] == ["one", "two"]
    assert verdict.outcome == "unknown"
    assert "its end is not known" in verdict.reason


async def test_alert_label_cannot_mention_anybody(hub: Any, webhook: Any) -> None:
    event = await hub.store(detections=(seen("@everyone <!here> evil.com", 0.9),))
    await alert(hub, [event], channels=[webhook.url("one")])
    message = webhook.posts[0][1]["message"]
    assert not any(text in message for text in ("@everyone", "<!here>", "evil.com"))


SECRET = "bogus://s3cret-word@host"
WRONG = {
    "channel": ({"channels": ["json://localhost", SECRET]}, "channels.1: is not one Apprise URL"),
    "several": ({"channels": [f"json://a, {SECRET}"]}, "channels.0: is not one Apprise URL"),
    "no text": ({"channels": [7]}, "channels.0: "),
    "nowhere": ({"log": False}, "plugins.threshold-alerts: alerts go nowhere"),
    "title": (
        {"title": "{colour}"},
        "threshold-alerts.title: unknown field 'colour' (known: camera, confidence, count,",
    ),
    "message": ({"body": "{message}"}, "threshold-alerts.body: unknown field 'message'"),
    "count": ({"count": 0}, "threshold-alerts.count: "),
}


@pytest.mark.parametrize("case", WRONG)
def test_alert_settings_say_what_is_wrong(
    case: str, problems: Callable[..., tuple[str, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    table, expected = WRONG[case]
    (found,) = problems("threshold-alerts", **table)
    assert expected in found
    assert "s3cret-word" not in found + caplog.text


def test_alert_channels_are_hidden_in_settings() -> None:
    from plugins.threshold_alerts import ThresholdAlerts

    settings = ThresholdAlerts.Settings.model_validate({"channels": ["json://user:s3cret-word@host"]})
    assert "s3cret-word" not in repr(settings)
