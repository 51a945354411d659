"""The rules of alerts: levels with hysteresis, counts, models that disagree, and settings that do not fit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub.event import Detection, Model
from plugins.alert_rule import describe_rule, judge_value, show_duration
from plugins.alert_settings import AlertSettings

# Apprise loads all its services at once, and one of them still knows Python 3.12's imghdr.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def people(number: int, confidence: float = 0.9) -> tuple[Detection, ...]:
    return tuple(Detection(label="person", confidence=confidence) for _ in range(number))


async def judge(hub: Any, events: list[Any], **table: Any) -> list[str]:
    """Deliver events one after another; return outcome and note or reason of each."""
    async with hub.running("threshold-alerts", **table) as alerts:
        verdicts = [await hub.deliver(alerts, event) for event in events]
    return [f"{verdict.outcome}: {verdict.note or verdict.reason}" for verdict in verdicts]


CROWD = {"rule": "above", "labels": ["person"], "level": 5, "clear_level": 3, "cooldown_s": 0}


async def test_level_alerts_once_while_it_holds_and_again_after_it_was_over(hub: Any) -> None:
    events = [await hub.store(detections=people(number)) for number in (6, 7, 5, 4, 6, 3, 2, 6)]
    assert await judge(hub, events, **CROWD) == [
        "done: alerted: log",
        "skipped: detections above 5 (7): alert 1 holds already",
        "skipped: detections above 5 (5): not so",
        "skipped: detections above 5 (4): not so",
        "skipped: detections above 5 (6): alert 1 holds already",
        "done: alert 1 is over",
        "skipped: detections above 5 (2): not so",
        "done: alerted: log",
    ]


async def test_level_holds_over_a_restart(hub: Any) -> None:
    outcomes = []
    for number in (6, 7, 2, 7):
        outcomes += await judge(hub, [await hub.store(detections=people(number))], **CROWD)
    assert [outcome.split(":")[0] for outcome in outcomes] == ["done", "skipped", "done", "done"]


async def test_level_of_each_camera_holds_by_itself(hub: Any) -> None:
    events = [
        await hub.store(detections=people(6), attributes={"camera": camera})
        for camera in ("door", "yard", "door")
    ]
    outcomes = await judge(hub, events, **CROWD)
    assert [outcome.split(":")[0] for outcome in outcomes] == ["done", "done", "skipped"]


async def test_level_below_reads_an_attribute_of_the_event(hub: Any, caplog: Any) -> None:
    events = [await hub.store(attributes={"battery": value}) for value in (50, 19.5, True, 25, "x", 31)]
    table = {"rule": "below", "measure": "attributes.battery", "level": 20, "clear_level": 30}
    assert await judge(hub, events, **table) == [
        "skipped: battery below 20 (50): not so",
        "done: alerted: log",
        "skipped: nothing to measure: no attributes.battery",
        "skipped: battery below 20 (25): not so",
        "skipped: nothing to measure: no attributes.battery",
        "done: alert 2 is over",
    ]
    assert "battery below 20 (19.5) on Seattle01, at 2018-08-16 18:31:52 (UTC)" in caplog.text


async def test_level_above_counts_events_in_the_window(hub: Any) -> None:
    events = []
    for after_s in (0, 1, 1, 100):
        hub.now += timedelta(seconds=after_s)
        events.append(await hub.store())
    outcomes = await judge(hub, events, rule="above", measure="rate", level=2, within_s=60)
    assert outcomes[1:3] == ["skipped: events a minute above 2 (2): not so", "done: alerted: log"]


async def test_level_event_that_was_overtaken_by_a_clear_one_is_told_and_over_at_once(hub: Any) -> None:
    first, second = [await hub.store(detections=people(number)) for number in (6, 0)]
    outcomes = await judge(hub, [second, first], **CROWD)
    assert outcomes == ["skipped: detections above 5 (0): not so", "done: alerted: log"]
    assert (await judge(hub, [await hub.store(detections=people(6))], **CROWD)) == ["done: alerted: log"]


async def test_level_is_not_ended_by_an_event_from_before_it_began(hub: Any) -> None:
    first, second = [await hub.store(detections=people(number)) for number in (0, 6)]
    outcomes = await judge(hub, [second, first], **CROWD)
    assert outcomes == ["done: alerted: log", "skipped: detections above 5 (0): not so"]


async def test_level_crossed_by_events_at_the_same_time_alerts_once(hub: Any) -> None:
    events = [await hub.store(detections=people(6)) for _ in range(8)]
    async with hub.running("threshold-alerts", **CROWD) as alerts:
        verdicts = await asyncio.gather(*(hub.deliver(alerts, event) for event in events))
    assert sorted(verdict.outcome for verdict in verdicts) == ["done", *["skipped"] * 7]


async def test_level_alert_is_sent_to_the_end_though_it_is_over_meanwhile(hub: Any, webhook: Any) -> None:
    webhook.failing = {"one"}
    table = {**CROWD, "channels": [webhook.url("one")]}
    events = [await hub.store(detections=people(number)) for number in (6, 0)]
    async with hub.running("threshold-alerts", **table) as alerts:
        assert (await hub.deliver(alerts, events[0])).outcome == "retrying"
        assert (await hub.deliver(alerts, events[1])).note == "alert 1 is over"
        webhook.failing = set()
        assert (await hub.deliver(alerts, events[0], attempt=2)).note == "alerted: log, 1 target"
    assert webhook.names() == ["one", "one"]


def model(name: str) -> Model:
    return Model(name=name, version="1")


async def test_models_that_disagree_on_one_picture_give_an_alert(
    hub: Any, picture: bytes, caplog: Any
) -> None:
    events = [
        await hub.store(picture, model=model(name), detections=seen)
        for name, seen in (("small", people(1, 0.9)), ("large", people(1, 0.4)), ("huge", people(1, 0.85)))
    ]
    outcomes = await judge(hub, events, rule="disagree", cooldown_s=0)
    assert outcomes == [
        "skipped: no other model has looked at this picture yet",
        "done: alerted: log",
        "done: alerted: log",
    ]
    assert "large says person 40%, small 90% on Seattle01" in caplog.text


async def test_models_that_agree_or_hardly_differ_give_none(hub: Any, picture: bytes) -> None:
    seen = [(model("small"), people(1, 0.82)), (model("large"), people(1, 0.78)), (None, people(1))]
    events = [await hub.store(picture, model=name, detections=found) for name, found in seen]
    other = await hub.store(model=model("large"), detections=())
    outcomes = await judge(hub, [*events, other], rule="disagree", margin=0.2)
    assert outcomes[1:] == [
        "skipped: agrees with small",
        "skipped: the event names no model",
        "skipped: no other model has looked at this picture yet",
    ]


@pytest.mark.parametrize(
    ("rule", "value", "state"),
    [
        ("above", 5.1, "beyond"),
        ("above", 5, "between"),
        ("above", 3, "clear"),
        ("below", 2.9, "beyond"),
        ("below", 3, "between"),
        ("below", 5, "clear"),
    ],
)
def test_value_lies(rule: str, value: float, state: str) -> None:
    level, clear_level = (5, 3) if rule == "above" else (3, 5)
    settings = AlertSettings.model_validate({"rule": rule, "level": level, "clear_level": clear_level})
    assert judge_value(settings, value) == state


def test_rule_is_described_in_words() -> None:
    silent = AlertSettings.model_validate({"rule": "absent", "labels": ["van", "cat"], "after_s": 7200})
    assert describe_rule(silent) == "no cat or van for 2 hours"
    assert [show_duration(seconds) for seconds in (1, 60, 90, 86_400)] == [
        *("1 second", "1 minute", "90 seconds", "1 day")
    ]


WRONG = {
    "idle": ({"level": 3}, 'level would do nothing: not for rule = "seen"'),
    "idle too": ({"rule": "offline", "labels": ["a"], "picture": "none"}, "labels, picture would do nothing"),
    "level": ({"rule": "above"}, 'level is missing: rule = "above" needs it'),
    "side": (
        {"rule": "above", "level": 3, "clear_level": 4},
        "clear_level 4 is on the wrong side of level 3",
    ),
    "side too": (
        {"rule": "below", "level": 3, "clear_level": 2},
        "clear_level 2 is on the wrong side of level 3",
    ),
    "window": (
        {"rule": "above", "level": 3, "within_s": 9},
        'within_s would do nothing: not for measure = "det',
    ),
    "measure": ({"rule": "above", "level": 3, "measure": "speed"}, "threshold-alerts.measure: "),
    "confidence": (
        {"rule": "above", "level": 3, "measure": "confidence", "min_confidence": 0.2},
        'min_confidence would do nothing: measure = "confidence"',
    ),
    "absent": ({"rule": "absent", "min_confidence": 0.2}, 'min_confidence would do nothing: rule = "absent"'),
    "text": (
        {"rule": "below", "measure": "count", "level": 1, "title": "x"},
        "title would do nothing: no event brings this alert",
    ),
    "rule": ({"rule": "sometimes"}, "threshold-alerts.rule: "),
    "escalation": ({"escalations": [{"after_s": 0}]}, "threshold-alerts.escalations.0.after_s: "),
    "topic": ({"mqtt": [{"broker": "mqtt://h", "topic": "a/+"}]}, "threshold-alerts.mqtt.0.topic: "),
    "broker": (
        {"mqtt": [{"broker": "h", "topic": "a"}]},
        "threshold-alerts.mqtt.0.broker: must be like mqtt://",
    ),
    "ca": (
        {"mqtt": [{"broker": "mqtt://h", "topic": "a", "ca_file": "x"}]},
        "threshold-alerts.mqtt.0: ca_file would do nothing",
    ),
    "pattern": (
        {"labels": ["per*", "cat"], "count": 2},
        "labels: 'per*' is a pattern; list names where events are counted",
    ),
    "patterns": (
        {"rule": "absent", "labels": ["cat"], "devices": ["c?"]},
        "devices: 'c?' is a pattern; list names",
    ),
    "device": ({"devices": ["a/b", "a*"]}, "'a/b' can be no device's name"),
    "host": (
        {"allow_hosts": ["http://127.0.0.1:8080"]},
        "allow_hosts.0: must be a host such as 192.168.1.5, without ",
    ),
    "arn": ({"sns": [{"topic_arn": "arn:aws:sqs:a"}]}, "threshold-alerts.sns.0.topic_arn: "),
}


@pytest.mark.parametrize("case", WRONG)
def test_alert_rule_settings_say_what_is_wrong(case: str, problems: Callable[..., tuple[str, ...]]) -> None:
    table, expected = WRONG[case]
    (found,) = problems("threshold-alerts", **table)
    assert expected in found
