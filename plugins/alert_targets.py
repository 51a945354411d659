"""Makes targets of settings, and sends notices to each by itself: one that fails silences no other."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from hub.plugin import AlreadyDone, Delivery, OutcomeUnknown, RetryLater
from plugins.alert_channel import open_channels
from plugins.alert_mqtt import MqttTopic
from plugins.alert_notice import Notice, Target, Unanswered
from plugins.alert_settings import AlertSettings, Escalation
from plugins.alert_sns import SnsTopic
from plugins.alert_webhook import Webhook


@dataclass(slots=True)
class Sent:
    """What came of targets, by their names."""

    done: list[str] = field(default_factory=list)
    failed: list[RetryLater] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def make_targets(settings: AlertSettings | Escalation, allowed: frozenset[str]) -> list[Target]:
    """Return a target for each that is configured, and for each recipient of an Apprise URL."""
    found: list[Target] = []
    for url in settings.channels:
        found += open_channels(url.get_secret_value())
    found += [Webhook(webhook, allowed) for webhook in settings.webhooks]
    found += [SnsTopic(topic) for topic in settings.sns]
    found += [MqttTopic(topic) for topic in settings.mqtt]
    return found


async def enter_targets(targets: Sequence[Target], stack: AsyncExitStack) -> None:
    """Open what targets keep open."""
    for target in targets:
        await stack.enter_async_context(target)


def fingerprint(target: Target) -> str:
    """Return what tells a target from others in keys; it does not change with the order of settings."""
    return hashlib.blake2b(target.identity.encode(), digest_size=4, person=b"lenshub-alert").hexdigest()


async def send_once(target: Target, notice: Notice, delivery: Delivery, sent: Sent) -> bool:
    """Send one notice unless it was sent before; return whether it has arrived."""
    try:
        async with delivery.once(notice.key, repeatable=target.repeatable):
            await target.send(notice)
    except AlreadyDone:
        pass
    except RetryLater as error:
        sent.failed.append(error)
        return False
    except (Unanswered, OutcomeUnknown) as error:
        sent.unknown.append(f"{target.name}: {error}" if isinstance(error, OutcomeUnknown) else str(error))
        return False
    return True


async def send_all(
    targets: Sequence[Target], notices: Sequence[Notice], delivery: Delivery, sent: Sent
) -> None:
    """Send notices to every target, one after the other to each, all targets at a time.

    Args:
        notices: With the name of the notice as key; each target's own key is made of it.
    """

    async def send(target: Target) -> None:
        for notice in notices:
            if notice.kind == "picture" and not target.takes_pictures:
                continue
            own = replace(notice, key=f"{notice.key}/{fingerprint(target)}")
            if not await send_once(target, own, delivery, sent):
                return
        sent.done.append(target.name)

    async with asyncio.TaskGroup() as group:
        for target in targets:
            group.create_task(send(target), name=f"alert {target.name}")
