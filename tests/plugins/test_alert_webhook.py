"""Webhooks: what is posted, how it is signed, and what each answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from hub.event import Detection

# Apprise loads all its services at once, and one of them still knows Python 3.12's imghdr.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = base64.b64encode(b"a secret of thirty-two bytes....").decode()


def table(webhook: Any, *names: str, **more: Any) -> dict[str, Any]:
    """Return a table that posts to names on the local server."""
    webhooks = [{"url": f"http://{webhook.address}/{name}"} for name in names]
    return {"webhooks": webhooks, "allow_hosts": ["127.0.0.1"], **more}


async def alert(hub: Any, event: Any, attempts: int = 1, **settings: Any) -> Any:
    """Deliver one event to one instance; return the last verdict."""
    async with hub.running("threshold-alerts", **settings) as alerts:
        for attempt in range(1, attempts + 1):
            verdict = await hub.deliver(alerts, event, attempt)
    return verdict


async def test_webhook_gets_the_alert_as_json_with_the_picture(
    hub: Any, webhook: Any, picture: bytes
) -> None:
    verdict = await alert(hub, await hub.store(picture), **table(webhook, "hook"))
    assert (verdict.outcome, verdict.note) == ("done", "alerted: log, 1 target")
    ((_, post),) = webhook.posts
    assert post["title"] == "thumbs-up on Seattle01"
    assert (post["notice"], post["alert"], post["plugin"]) == ("alert", "1", "threshold-alerts")
    assert (post["device"], post["label"], post["confidence"]) == ("Seattle01", "thumbs-up", 0.93)
    assert base64.b64decode(post["picture"]["base64"]) == picture


async def test_webhook_gets_the_text_first_and_the_picture_later(
    hub: Any, webhook: Any, picture: bytes
) -> None:
    await alert(hub, await hub.store(picture), **table(webhook, "hook", picture="later"))
    posts = [post for _, post in webhook.posts]
    assert [(post["notice"], "picture" in post) for post in posts] == [("alert", False), ("picture", True)]
    assert posts[0]["id"] != posts[1]["id"]


async def test_webhook_is_signed_as_standard_webhooks_asks(
    hub: Any, webhook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"whsec_{SECRET}")
    settings = table(webhook, "hook")
    settings["webhooks"][0]["secret_env"] = "HOOK_SECRET"
    await alert(hub, await hub.store(), **settings)
    ((headers, body),) = webhook.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(SECRET), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["idempotency-key"] == headers["webhook-id"] == json.loads(body)["id"]


async def test_webhook_key_is_the_same_at_every_attempt_and_no_other_has_it(hub: Any, webhook: Any) -> None:
    webhook.failing = {"one"}
    await alert(hub, await hub.store(), attempts=3, cooldown_s=0, **table(webhook, "one", "two"))
    await alert(hub, await hub.store(), cooldown_s=0, **table(webhook, "two"))
    keys = [
        (name, headers["idempotency-key"])
        for (name, _), (headers, _) in zip(webhook.posts, webhook.requests, strict=True)
    ]
    assert sorted(name for name, _ in keys) == ["one", "one", "one", "two", "two"]
    assert len({key for name, key in keys if name == "one"}) == 1
    assert len({key for _, key in keys}) == 3


ANSWERS = {
    "204": ((204, {}, ""), "done", ""),
    "200 with nonsense": ((200, {"Content-Type": "text/html"}, "<html>\x00 [error" * 9), "done", ""),
    "500": ((500, {}, "oh"), "retrying", "webhook 127.0.0.1 answered 500"),
    "503 with Retry-After": ((503, {"Retry-After": "77"}, ""), "retrying", "webhook 127.0.0.1 answered 503"),
    "429": ((429, {"Retry-After": "nonsense"}, ""), "retrying", "webhook 127.0.0.1 answered 429"),
    "404": ((404, {}, ""), "retrying", "webhook 127.0.0.1 refused it: 404"),
    "301": ((301, {"Location": "/other"}, ""), "retrying", "webhook 127.0.0.1 refused it: 301"),
    "flood": ((200, {}, "x" * 1_100_000), "retrying", "answered more than 1048576 bytes"),
    "redirect to metadata": (
        (307, {"Location": "http://169.254.169.254/latest/meta-data/"}, ""),
        "retrying",
        "127.0.0.1 redirects to an address that is not asked: 169.254.169.254 is not a public address",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_webhook_answer_means(hub: Any, webhook: Any, case: str) -> None:
    webhook.answers["hook"], outcome, reason = ANSWERS[case]
    verdict = await alert(hub, await hub.store(), **table(webhook, "hook"))
    assert verdict.outcome == outcome
    assert reason in verdict.reason
    if "Retry-After" in case:
        assert verdict.pause_s >= 77


async def test_webhook_that_answers_slowly_is_asked_again_with_the_same_key(
    hub: Any, webhook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.hanging = {"hook"}
    event = await hub.store()
    with monkeypatch.context() as hurried:
        hurried.setattr("plugins.alert_webhook.TIMEOUT_S", 0.3)
        first = await alert(hub, event, **table(webhook, "hook"))
    webhook.hanging = set()
    second = await alert(hub, event, **table(webhook, "hook"))
    assert (first.outcome, second.outcome) == ("retrying", "done")
    assert "did not answer within 0.3 s" in first.reason
    assert len({headers["idempotency-key"] for headers, _ in webhook.requests}) == 1


async def test_webhook_that_fails_silences_no_other_target(hub: Any, webhook: Any) -> None:
    webhook.failing = {"one"}
    event = await hub.store()
    settings = table(webhook, "one", "two", channels=[webhook.url("three")])
    first = await alert(hub, event, **settings)
    webhook.failing = set()
    second = await alert(hub, event, **settings)
    assert (first.outcome, second.note) == ("retrying", "alerted: log, 3 targets")
    assert webhook.names() == ["one", "one", "three", "two"]


async def test_webhook_title_and_body_are_harmless_and_its_fields_as_they_came(
    hub: Any, webhook: Any
) -> None:
    label = '@everyone <img src=x> "\u202e\u2028' + "x" * 150
    await alert(
        hub, await hub.store(detections=(Detection(label=label, confidence=0.9),)), **table(webhook, "hook")
    )
    ((_, post),) = webhook.posts
    for text in (post["title"], post["body"]):
        assert not any(bad in text for bad in ("@everyone", "<img", "\u202e", "\u2028"))
    assert post["label"] == label


WRONG = {
    "http": ({"url": "http://example.org/s3cret"}, "webhooks.0.url: must be https"),
    "private": ({"url": "https://10.0.0.5/s3cret"}, "webhooks.0.url: 10.0.0.5 is not a public address"),
    "octal": ({"url": "https://0177.0.0.1/s3cret"}, "webhooks.0.url: its host is neither"),
    "user": ({"url": "https://me:s3cret@example.org/"}, "webhooks.0.url: must not carry a user name"),
    "none": ({"url": "s3cret"}, "webhooks.0.url: is not an address"),
    "secret": (
        {"url": "https://example.org/", "secret_env": "NOT_SET_ANYWHERE"},
        "webhooks.0.secret_env: the environment variable NOT_SET_ANYWHERE is not set",
    ),
    "unknown": (
        {"url": "https://example.org/", "urls": 1},
        "webhooks.0.urls: unknown setting 'urls' (did you mean 'url'? known: format, secret_env, url)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_webhook_settings_say_what_is_wrong(case: str, problems: Callable[..., tuple[str, ...]]) -> None:
    webhook, expected = WRONG[case]
    (found,) = problems("threshold-alerts", webhooks=[webhook])
    assert expected in found
    assert "s3cret" not in found


async def test_webhook_gets_a_cloudevent_where_it_asks_for_one(hub: Any, webhook: Any) -> None:
    settings = table(webhook, "hook")
    settings["webhooks"][0]["format"] = "cloudevents"
    await alert(hub, await hub.store(), **settings)
    ((headers, body),) = webhook.requests
    said = json.loads(body)
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert (said["specversion"], said["type"]) == ("1.0", "org.lenshub.notice.v1")
    assert said["source"] == "/lenshub/plugins/threshold-alerts"
    assert said["id"] == said["data"]["id"] == headers["idempotency-key"]
    assert datetime.fromisoformat(said["time"]).tzinfo is not None
    assert said["data"]["title"] == "thumbs-up on Seattle01"
