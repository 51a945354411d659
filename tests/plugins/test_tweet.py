"""Tweets: the dry run, posts with pictures, and what X's refusals and silences come to."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from hub.cli import app
from hub.event import Detection
from hub.store.schema import effects
from plugins.tweet_picture import MAX_PICTURE_BYTES
from plugins.tweet_text import weigh

UPLOAD, METADATA, POST = "/2/media/upload", "/2/media/metadata", "/2/tweets"
TEXT = "Botchitecture report at 18:31 (UTC): Somebody gives a thumbs up! #botchitecture #Seattle01"
SECOND_TEXT = (
    "Botchitecture report at 18:31 (UTC): Thumbs up! Today's coffee must be good. #botchitecture #Seattle01"
)
ALT_TEXT = "A picture from Seattle01 at 2018-08-16 18:31 (UTC), in which was seen: thumbs-up"


async def tweet(hub: Any, x: Any, *events: Any, **table: Any) -> list[Any]:
    async with hub.running("tweet", live=True, api_url=x.url, **table) as plugin:
        return [await hub.deliver(plugin, event) for event in events]


async def ledger(hub: Any) -> list[tuple[str, str, float]]:
    """Return (key, state, amount) of every effect."""
    columns = (effects.c.key, effects.c.state, effects.c.amount)
    rows = await hub.writer.change(lambda connection: connection.execute(select(*columns)).all())
    return [tuple(row) for row in rows]


async def test_tweet_says_what_it_would_send_until_it_is_live(hub: Any, x: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    async with hub.running("tweet", api_url=x.url) as plugin:
        verdicts = [await hub.deliver(plugin, event) for _ in range(2)]
    assert {(v.outcome, v.note) for v in verdicts} == {("done", f"dry-run: would tweet: {SECOND_TEXT}")}
    assert await ledger(hub) == []
    assert x.requests == []


async def test_tweet_posts_the_text_with_the_picture(hub: Any, x: Any, picture: bytes) -> None:
    (verdict,) = await tweet(hub, x, await hub.store(picture))
    assert (verdict.outcome, verdict.note) == ("done", f"tweeted 2000001: {TEXT}")
    ((media_id, uploaded),) = x.pictures.items()
    assert x.posts == [{"text": TEXT, "media": {"media_ids": [media_id]}}]
    assert uploaded == {
        "bytes": picture,
        "part_type": "image/jpeg",
        "media_category": "tweet_image",
        "media_type": "image/jpeg",
    }
    assert x.alt_texts == {media_id: ALT_TEXT}
    assert await ledger(hub) == [("tweet/1", "done", 0.015)]


async def test_tweet_posts_an_event_without_a_picture(hub: Any, x: Any) -> None:
    await tweet(hub, x, await hub.store())
    assert x.posts == [{"text": TEXT}]


async def test_tweet_delivered_again_is_not_posted_again(hub: Any, x: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    verdicts = await tweet(hub, x, event, event)
    assert [v.outcome for v in verdicts] == ["done", "done"]
    assert len(x.posts) == len(x.pictures) == 1


async def test_tweet_of_a_thumb_held_up_is_posted_once(hub: Any, x: Any, picture: bytes) -> None:
    events = []
    for _ in range(3):
        events.append(await hub.store(picture))
        hub.now += timedelta(seconds=1)
    verdicts = await tweet(hub, x, *events)
    assert [v.outcome for v in verdicts] == ["done", "skipped", "skipped"]
    assert verdicts[1].reason == "cooldown of tweet holds until 2018-08-16 18:32:55 UTC"
    assert len(x.pictures) == 1


async def test_tweet_takes_its_messages_in_turn(hub: Any, x: Any) -> None:
    events = [await hub.store() for _ in range(6)][::2]  # the others do not match
    verdicts = await tweet(
        hub,
        x,
        *events,
        events[0],
        cooldown_s=0,
        template="{message} {event_id}",
        messages=["first", "second"],
    )
    assert [post["text"] for post in x.posts] == ["first 1", "second 3", "first 5"]
    assert verdicts[-1].note.startswith("tweet/1 was already done")


async def test_tweet_takes_its_messages_at_random_but_the_same_one_for_an_event(hub: Any, x: Any) -> None:
    events = [await hub.store() for _ in range(40)]
    table = {"template": "{message} {event_id}", "messages": ["a", "b"], "order": "random"}
    async with hub.running("tweet", **table) as plugin:
        first = [(await hub.deliver(plugin, event)).note for event in events]
        again = [(await hub.deliver(plugin, event)).note for event in events]
    assert first == again
    assert 8 < sum(": a" in note for note in first) < 32


HOSTILE = [
    "@elon #ad $cash evil.com",
    "@everyone <b>bold</b> https://evil.com/x",
    "evil.\u202ecom @\u2060elon \u202etxet",
    "ev\x1b[31mil。com\u2028@all",
]


@pytest.mark.parametrize("label", HOSTILE)
async def test_tweet_label_cannot_mention_link_or_tag(hub: Any, x: Any, picture: bytes, label: str) -> None:
    event = await hub.store(picture)
    hostile = event.detections[0].model_copy(update={"label": label})
    await tweet(hub, x, event.model_copy(update={"detections": (hostile,)}), template="{label}")
    text = x.posts[0]["text"]
    assert not any(part in text for part in ("@elon", "@every", "@all", "#ad", "$cash", "<b", "://"))
    assert not re.search(r"[.。]\w|[\x00-\x1f\u2028-\u202e\u2060]", text)
    assert weigh(text) <= 280


async def test_tweet_of_a_label_of_10_kb_fits(hub: Any, x: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    huge = event.detections[0].model_copy(update={"label": "あ@b.c " * 1700})
    await tweet(hub, x, event.model_copy(update={"detections": (huge,)}), template="{label} {message}")
    assert weigh(x.posts[0]["text"]) <= 280
    assert len(next(iter(x.alt_texts.values()))) <= 1000


async def test_tweet_counts_a_link_that_was_asked_for_at_its_price(hub: Any, x: Any) -> None:
    table = {"template": "https://example.com/{event_id}", "links": True}
    await tweet(hub, x, await hub.store(), **table)
    assert x.posts == [{"text": "https://example.com/1"}]
    assert await ledger(hub) == [("tweet/1", "done", 0.2)]


async def test_tweet_makes_no_link_of_what_only_looks_like_one(hub: Any, x: Any) -> None:
    await tweet(hub, x, await hub.store(), template="See example.com")
    assert x.posts == [{"text": "See example.\u200bcom"}]


async def test_tweet_stops_at_the_budget_until_the_month_is_over(hub: Any, x: Any) -> None:
    table = {"cooldown_s": 0, "budget_usd_per_month": 0.03, "template": "{event_id}"}
    verdicts = await tweet(hub, x, *[await hub.store() for _ in range(3)], **table)
    assert [v.outcome for v in verdicts] == ["done", "done", "skipped"]
    assert verdicts[2].reason == (
        "budget_usd_per_month is used up: 0.03 of 0.03 spent within the month, and this costs 0.015"
    )
    hub.now += timedelta(days=16)  # 2018-09-01
    (verdict,) = await tweet(hub, x, await hub.store(), **table)
    assert verdict.outcome == "done"
    assert len(x.posts) == 3


async def test_tweet_keeps_its_rate_also_after_a_restart_and_when_many_come_at_once(hub: Any, x: Any) -> None:
    events = [await hub.store() for _ in range(8)]
    table = {"cooldown_s": 0, "max_per_hour": 3, "template": "{event_id}"}
    await tweet(hub, x, events[0], **table)
    async with hub.running("tweet", live=True, api_url=x.url, **table) as plugin:
        verdicts = await asyncio.gather(*(hub.deliver(plugin, event) for event in events[1:]))
    assert sorted(v.outcome for v in verdicts) == ["done"] * 2 + ["skipped"] * 5
    assert {v.reason for v in verdicts if v.outcome == "skipped"} == {
        "max_per_hour is used up: 3 of 3 within the hour"
    }
    assert len(x.posts) == 3


async def test_tweet_skips_an_event_without_detections(hub: Any, x: Any) -> None:
    (verdict,) = await tweet(hub, x, await hub.store(detections=()))
    assert (verdict.outcome, verdict.reason) == ("skipped", "no detections")


REFUSALS = {
    "limit": ("retrying", "X: 429, the rate limit is reached"),
    "html_limit": ("retrying", "X: 429, the rate limit is reached"),
    "keys": ("retrying", "X: 401, the keys are wrong or revoked; correct them and restart the hub"),
    "permissions": ("retrying", "X: 403, it does not let this app or account post: Your client app is not"),
    "cap": ("retrying", "X: 429, the usage cap is reached; raise it at developer.x.com: Usage cap exceeded"),
    "credits": ("retrying", "X: 402, the account is out of credits; buy some at developer.x.com"),
    "policy": ("dead", "X: 403, it does not allow this post: You are not permitted to perform this action"),
    "duplicate": ("dead", "X: 403, it has this text already: You are not allowed to create a Tweet with dup"),
}
PAUSING = [trouble for trouble, (outcome, _) in REFUSALS.items() if outcome == "retrying"]


@pytest.mark.parametrize("path", [UPLOAD, POST])
@pytest.mark.parametrize("trouble", REFUSALS)
async def test_tweet_that_x_refuses_is_given_back(
    hub: Any, x: Any, picture: bytes, trouble: str, path: str
) -> None:
    x.trouble[path] = trouble
    (verdict,) = await tweet(hub, x, await hub.store(picture))
    outcome, reason = REFUSALS[trouble]
    assert (verdict.outcome, verdict.reason[: len(reason)]) == (outcome, reason)
    assert await ledger(hub) == []


@pytest.mark.parametrize("trouble", PAUSING)
async def test_tweet_pauses_and_says_so_once_while_x_takes_nothing(
    hub: Any, x: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    monkeypatch.setattr("plugins.x_api.PAUSE_S", 600.0)
    x.trouble[POST] = trouble
    events = [await hub.store() for _ in range(4)]
    verdicts = await tweet(hub, x, *events)
    assert [v.outcome for v in verdicts] == ["retrying"] * 4
    assert all(v.reason.startswith("paused: X: 4") for v in verdicts[1:])
    assert min(v.pause_s for v in verdicts) > 500
    assert x.requests == [POST]
    assert [record.message[:12] for record in caplog.records if record.levelname == "ERROR"] == [
        "tweet.paused"
    ]


async def test_tweet_goes_on_after_the_pause(
    hub: Any, x: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("plugins.x_api.CREDITS_PAUSE_S", 0.0)
    x.trouble[POST] = "credits"
    first, second = await hub.store(), await hub.store()
    table = {"live": True, "api_url": x.url, "cooldown_s": 0, "template": "{event_id}"}
    async with hub.running("tweet", **table) as plugin:
        refused = await hub.deliver(plugin, first)
        x.trouble.clear()
        verdicts = [await hub.deliver(plugin, event) for event in (first, second)]
    assert refused.outcome == "retrying"
    assert [v.outcome for v in verdicts] == ["done", "done"]
    assert sum("tweet.resumed" in record.message for record in caplog.records) == 1


async def test_tweet_that_an_outage_made_late_is_skipped(hub: Any, x: Any) -> None:
    x.trouble[POST] = "credits"
    event = await hub.store()
    (first,) = await tweet(hub, x, event)
    x.trouble.clear()
    hub.now += timedelta(seconds=3601)
    (second,) = await tweet(hub, x, event)
    assert (first.outcome, second.outcome) == ("retrying", "skipped")
    assert second.reason == "too late: it could not be done by 2018-08-16 19:31:52 UTC"
    assert x.posts == []


async def test_tweet_that_was_begun_stays_unknown_when_it_is_late(hub: Any, x: Any) -> None:
    x.trouble[POST] = "json_503"
    event = await hub.store()
    await tweet(hub, x, event)
    hub.now += timedelta(days=1)
    (verdict,) = await tweet(hub, x, event)
    assert verdict.outcome == "unknown"


async def test_tweet_waits_for_the_reset_of_the_rate_limit(hub: Any, x: Any) -> None:
    x.trouble[POST] = "limit"
    (verdict,) = await tweet(hub, x, await hub.store())
    assert 800 < verdict.pause_s <= 900


async def test_tweet_waits_for_the_reset_of_the_limit_that_is_used_up(hub: Any, x: Any) -> None:
    x.trouble[POST] = "daily_limit"
    (verdict,) = await tweet(hub, x, await hub.store())
    assert 7100 < verdict.pause_s <= 7200


SILENCES = ["html", "json_503", "hang", "drop", "drop_after", "fail_after", "empty", "no_id"]


@pytest.mark.parametrize("trouble", SILENCES)
async def test_tweet_whose_post_gets_no_good_answer_is_unknown_and_not_repeated(
    hub: Any, x: Any, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "hang":
        monkeypatch.setattr("plugins.x_api.REQUEST_S", 2)
    x.trouble[POST] = trouble
    verdicts = await tweet(hub, x, *[await hub.store()] * 2)
    assert [v.outcome for v in verdicts] == ["unknown", "unknown"]
    assert x.requests == [POST]
    assert await ledger(hub) == [("tweet/1", "begun", 0.015)]


@pytest.mark.parametrize("trouble", ["drop_after", "fail_after"])
async def test_tweet_that_x_knows_as_a_duplicate_after_an_unknown_outcome_is_done(
    hub: Any, x: Any, picture: bytes, trouble: str
) -> None:
    x.trouble[POST] = trouble
    event = await hub.store(picture)
    (first,) = await tweet(hub, x, event, repeat_unknown=True)
    x.trouble.clear()
    (second,) = await tweet(hub, x, event, repeat_unknown=True)
    assert (first.outcome, second.outcome) == ("retrying", "done")
    assert second.note.startswith("tweeted before: X: 403, it has this text already: ")
    assert [post["text"] for post in x.posts] == [TEXT]
    assert sum(amount for _, _, amount in await ledger(hub)) == 0.015


async def test_tweet_that_did_not_arrive_is_posted_when_asked_again(hub: Any, x: Any) -> None:
    x.trouble[POST] = "json_503"
    event = await hub.store()
    await tweet(hub, x, event, repeat_unknown=True)
    x.trouble.clear()
    verdicts = await tweet(hub, x, event, event, repeat_unknown=True)
    assert [v.outcome for v in verdicts] == ["done", "done"]
    assert [post["text"] for post in x.posts] == [TEXT]


async def test_tweet_is_asked_for_again_only_once(hub: Any, x: Any) -> None:
    x.knows_duplicates = False
    x.trouble[POST] = "fail_after"
    verdicts = await tweet(hub, x, *[await hub.store()] * 4, repeat_unknown=True)
    assert [v.outcome for v in verdicts] == ["retrying", "unknown", "unknown", "unknown"]
    assert len(x.posts) == 2


@pytest.mark.parametrize("trouble", ["html", "json_503", "hang", "drop", "empty", "policy"])
async def test_tweet_without_its_alt_text_is_posted_and_says_so(
    hub: Any, x: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("plugins.x_api.DESCRIBE_S", 0.5)
    x.trouble[METADATA] = trouble
    (verdict,) = await tweet(hub, x, await hub.store(picture))
    assert verdict.outcome == "done"
    assert verdict.note.startswith("tweeted 2000001 (without its alt text: X: ")
    assert len(x.posts) == 1


@pytest.mark.parametrize("trouble", ["html", "json_503", "hang", "drop", "empty"])
async def test_tweet_whose_picture_is_not_taken_is_tried_again(
    hub: Any, x: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    x.trouble[UPLOAD] = trouble
    event = await hub.store(picture)
    with monkeypatch.context() as hurried:
        hurried.setattr("plugins.x_api.REQUEST_S", 0.5)
        (first,) = await tweet(hub, x, event)
    x.trouble.clear()
    (second,) = await tweet(hub, x, event)
    assert (first.outcome, second.outcome) == ("retrying", "done")
    assert len(x.posts) == 1


async def test_tweet_is_tried_again_when_nobody_listens(hub: Any, x: Any, free_port: int) -> None:
    async with hub.running("tweet", live=True, api_url=f"http://127.0.0.1:{free_port}") as plugin:
        verdict = await hub.deliver(plugin, await hub.store())
    assert verdict.outcome == "retrying"
    assert verdict.reason.startswith("X cannot be reached: ")
    assert await ledger(hub) == []


async def test_tweet_shrinks_a_picture_that_is_too_large(hub: Any, x: Any) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1800, 2400, 3), np.uint8)
    large = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    (verdict,) = await tweet(hub, x, await hub.store(large, (2400, 1800)))
    assert verdict.outcome == "done", verdict
    (uploaded,) = x.pictures.values()
    assert len(uploaded["bytes"]) <= MAX_PICTURE_BYTES < len(large)


async def test_tweet_shows_no_key_in_its_log(
    hub: Any, x: Any, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await tweet(hub, x, await hub.store(picture))
    assert not any(word in caplog.text for word in ("s3cret", "oauth_signature", "access-token"))


async def test_tweet_keys_are_hidden(x: Any) -> None:
    from plugins.tweet import Tweet

    settings = Tweet.Settings(live=True)
    shown = f"{settings!r} {settings.read_keys()!r}"
    assert not any(word in shown for word in ("s3cret", "access-token", "consumer-key"))


WRONG = {
    "colour": (
        {"template": "{colour}"},
        "plugins.tweet.template: unknown field 'colour' (known: camera, confidence, device, event_id, ",
    ),
    "no messages": ({"messages": []}, "plugins.tweet.messages: "),
    "plain http": ({"api_url": "http://example.com"}, "plugins.tweet.api_url: must be https, except on"),
    "path": ({"api_url": "https://x.example/2"}, "is not an address like https://api.x.com"),
    "link": (
        {"messages": ["Look: https://example.com"]},
        "plugins.tweet: messages: has the link 'https://example.com', which makes a post cost USD 0.2",
    ),
    "live": (
        {"live": True},
        "plugins.tweet: live = true needs keys; not set in the environment: LENSHUB_TWE",
    ),
    "loop": ({"template": "{% for x in y %}"}, "plugins.tweet.template: not a plain field: '% for x in y %'"),
    "key here": ({"consumer_key": "abc"}, "unknown setting 'consumer_key' (did you mean 'consumer_key_env'?"),
}


@pytest.mark.parametrize("case", WRONG)
def test_tweet_settings_say_what_is_wrong(case: str, problems: Callable[..., tuple[str, ...]]) -> None:
    table, expected = WRONG[case]
    (found,) = problems("tweet", **table)
    assert expected in found


def test_tweet_with_some_keys_names_those_that_are_missing(
    problems: Callable[..., tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENSHUB_TWEET_CONSUMER_KEY", "k")
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    (found,) = problems("tweet", live=True, access_token_env="MY_TOKEN")
    assert found.endswith(": LENSHUB_TWEET_CONSUMER_SECRET, LENSHUB_TWEET_ACCESS_TOKEN_SECRET")
    assert "s3cret" not in found


def try_template(hub: Any, *arguments: str) -> str:
    config = hub.data_dir / "hub.toml"
    config.write_text('[hub]\ndata_dir = "."\n[plugins.tweet]\n')
    done = CliRunner().invoke(app, ["template", "try", *arguments, "--config", str(config)])
    return done.output


async def test_tweet_is_previewed_as_it_would_be_posted(hub: Any, picture: bytes) -> None:
    await hub.store(picture)
    shown = await asyncio.to_thread(try_template, hub, "--plugin", "tweet", "--json")
    assert json.loads(shown) == {
        "event": 1,
        "texts": {"tweet": SECOND_TEXT, "length": "102 of 280", "alt_text": ALT_TEXT},
    }


async def test_tweet_preview_says_that_an_event_would_be_skipped(hub: Any) -> None:
    await hub.store(detections=())
    shown = await asyncio.to_thread(try_template, hub, "--plugin", "tweet")
    assert shown == "plugins.tweet skips event 1: no detections\n"


async def test_template_is_tried_on_the_stored_event_that_is_named(hub: Any) -> None:
    for label in ("fist", "thumbs-up"):
        await hub.store(detections=(Detection(label=label, confidence=0.5),))
    shown = [
        json.loads(await asyncio.to_thread(try_template, hub, "{label}", "--json", *which))["texts"]
        for which in ((), ("--event", "1"))
    ]
    assert shown == [{"{label}": "thumbs-up"}, {"{label}": "fist"}]
    assert "there is no event 9" in await asyncio.to_thread(try_template, hub, "{label}", "--event", "9")
