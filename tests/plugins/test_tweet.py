"""Tweets: the dry run, posts with pictures, and what X's refusals and silences come to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from hub.event import Detection
from hub.store.schema import effects
from plugins.tweet import MAX_PICTURE_BYTES

UPLOAD, POST = "/2/media/upload", "/2/tweets"
TEXT = (
    "Botchitecture report at 18:31 (UTC): Thumbs up! Today's coffee must be good. #botchitecture #Seattle01"
)


async def tweet(hub: Any, x: Any, *events: Any, **table: Any) -> list[Any]:
    async with hub.running("tweet", api_url=x.url, **table) as plugin:
        return [await hub.deliver(plugin, event) for event in events]


async def ledger(hub: Any) -> list[tuple[str, str, float]]:
    """Return (key, state, amount) of every effect."""
    columns = (effects.c.key, effects.c.state, effects.c.amount)
    rows = await hub.writer.change(lambda connection: connection.execute(select(*columns)).all())
    return [tuple(row) for row in rows]


async def test_tweet_without_keys_says_what_it_would_send(hub: Any, picture: bytes) -> None:
    event = await hub.store(picture)
    async with hub.running("tweet") as plugin:
        verdicts = [await hub.deliver(plugin, event) for _ in range(2)]
    assert {(v.outcome, v.note) for v in verdicts} == {("done", f"dry-run: would tweet: {TEXT}")}
    assert await ledger(hub) == []


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
    events = [await hub.store() for _ in range(3)]
    await tweet(hub, x, *events, cooldown_s=0, template="{message} {event_id}", messages=["even", "odd"])
    assert [post["text"] for post in x.posts] == ["odd 1", "even 2", "odd 3"]


async def test_tweet_label_cannot_mention_link_or_tag(hub: Any, x: Any) -> None:
    found = (Detection(label="@elon #ad $cash evil.com", confidence=0.9),)
    await tweet(hub, x, await hub.store(detections=found), template="{label}")
    text = x.posts[0]["text"]
    assert not any(part in text for part in ("@elon", "#ad", "$cash", "evil.com"))


async def test_tweet_skips_an_event_without_detections(hub: Any, x: Any) -> None:
    (verdict,) = await tweet(hub, x, await hub.store(detections=()))
    assert (verdict.outcome, verdict.reason) == ("skipped", "no detections")


REFUSALS = {
    "limit": ("retrying", "X: 429, the rate limit is reached"),
    "html_limit": ("retrying", "X: 429, the rate limit is reached"),
    "keys": ("retrying", "X: 401, it does not know these keys; correct them and restart the hub"),
    "cap": ("dead", "X: 429, the usage cap is reached; raise it at developer.x.com: Usage cap exceeded"),
    "credits": ("dead", "X: 402, the account is out of credits; buy some at developer.x.com"),
    "duplicate": (
        "dead",
        "X: 403, it does not allow this post: You are not allowed to create a Tweet with dup",
    ),
}


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


async def test_tweet_waits_for_the_reset_of_the_rate_limit(hub: Any, x: Any) -> None:
    x.trouble[POST] = "limit"
    (verdict,) = await tweet(hub, x, await hub.store())
    assert 85 < verdict.pause_s <= 90


@pytest.mark.parametrize("trouble", ["html", "json_503", "hang", "drop", "drop_after", "empty"])
async def test_tweet_whose_post_gets_no_good_answer_is_unknown_and_not_repeated(
    hub: Any, x: Any, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("plugins.x_api.REQUEST_S", 0.5)
    x.trouble[POST] = trouble
    verdicts = await tweet(hub, x, *[await hub.store()] * 2)
    assert [v.outcome for v in verdicts] == ["unknown", "unknown"]
    assert x.requests == [POST]
    assert await ledger(hub) == [("tweet/1", "begun", 0.015)]


@pytest.mark.parametrize("trouble", ["html", "json_503", "hang", "drop", "empty"])
async def test_tweet_whose_picture_is_not_taken_is_tried_again(
    hub: Any, x: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr("plugins.x_api.REQUEST_S", 0.5)
    x.trouble[UPLOAD] = trouble
    event = await hub.store(picture)
    (first,) = await tweet(hub, x, event)
    x.trouble.clear()
    (second,) = await tweet(hub, x, event)
    assert (first.outcome, second.outcome) == ("retrying", "done")
    assert len(x.posts) == 1


async def test_tweet_is_tried_again_when_nobody_listens(hub: Any, x: Any, free_port: int) -> None:
    async with hub.running("tweet", api_url=f"http://127.0.0.1:{free_port}") as plugin:
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

    settings = Tweet.Settings()
    shown = f"{settings!r} {settings.read_keys()!r}"
    assert not any(word in shown for word in ("s3cret", "access-token", "consumer-key"))


WRONG = {
    "colour": (
        {"template": "{colour}"},
        "plugins.tweet.template: unknown field 'colour' (known: confidence, device, event_id, label, ",
    ),
    "no messages": ({"messages": []}, "plugins.tweet.messages: "),
    "plain http": ({"api_url": "http://example.com"}, "plugins.tweet.api_url: must be https, except on"),
    "path": ({"api_url": "https://x.example/2"}, "is not an address like https://api.x.com"),
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
    (found,) = problems("tweet", access_token_env="MY_TOKEN")
    assert "LENSHUB_TWEET_CONSUMER_SECRET, LENSHUB_TWEET_ACCESS_TOKEN_SECRET (set all four" in found
    assert "s3cret" not in found
