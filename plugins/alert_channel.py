"""Sends notices to Apprise URLs, one recipient at a time; what it says of failures holds nothing secret."""

from __future__ import annotations

import copy
import logging
import re
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from hub.plugin import RetryLater
from plugins.alert_notice import Notice, Unanswered

SEND_S = 20
CONNECT_S = 10
RETRY_S = 10
_SPACE = re.compile(r"[\s,]")
_BETWEEN_PARTS = re.compile(r"[/:@?&=#]+")
# Where the services of Apprise keep those whom one URL reaches.
_RECIPIENTS = ("targets", "topics", "channels", "rooms", "devices", "phone")
_OPEN_NAMES = frozenset({"localhost", "127.0.0.1"})


def _keep_quiet() -> None:
    """Keep Apprise's own log lines, which show parts of URLs, out of the hub's log."""
    for name in ("apprise", "urllib3"):
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.propagate = False
        if not library.handlers:
            library.addHandler(logging.NullHandler())


def _load(url: str) -> Any:
    from apprise import Apprise

    _keep_quiet()
    loaded = Apprise()
    return loaded if loaded.add(url) and len(loaded) == 1 else None


def check_channel(url: str) -> None:
    """Check an Apprise URL without sending anything.

    Raises:
        ValueError: It is none, or several in one text. The message does not repeat it.
    """
    if _SPACE.search(url) or _load(url) is None:
        raise ValueError("is not one Apprise URL such as mailto://... (services: https://appriseit.com)")


def open_channels(url: str) -> list[AlertChannel]:
    """Return a channel for each recipient of an Apprise URL, so that one who fails keeps nobody else waiting.

    A URL whose recipients Apprise does not keep in one list is one channel.
    """
    service = _load(url)[0]
    lists = {name: found for name in _RECIPIENTS if (found := getattr(service, name, None))}
    if len(lists) != 1:
        return [AlertChannel(url, service, url)]
    ((name, recipients),) = lists.items()
    if not isinstance(recipients, list) or len(recipients) < 2:
        return [AlertChannel(url, service, url)]
    return [
        AlertChannel(url, _with_recipient(service, name, recipient), f"{url} {recipient}")
        for recipient in recipients
    ]


def _with_recipient(service: Any, name: str, recipient: Any) -> Any:
    alone = copy.copy(service)
    setattr(alone, name, [recipient])
    return alone


class AlertChannel:
    """One recipient. `name` is the service's, such as `Discord`; the URL is never shown."""

    takes_pictures = True
    repeatable = False

    def __init__(self, url: str, service: Any, identity: str) -> None:
        from apprise import Apprise

        # Its own limit is 4 s, and it calls a late answer a failure: then the alert would be sent again.
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_S, 2 * SEND_S
        self._apprise = Apprise()
        self._apprise.add(service)
        self._secrets = {part for found in (url, unquote(url)) for part in _BETWEEN_PARTS.split(found)}
        self._secrets = {part for part in self._secrets if len(part) >= 4} - _OPEN_NAMES
        self.name = str(service.service_name)
        self.identity = identity

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between notices."""

    async def send(self, notice: Notice) -> None:
        """Send one notice.

        Raises:
            RetryLater: The service refused it or could not be reached.
            Unanswered: It did not answer within `SEND_S` seconds.
        """
        from apprise import AppriseAttachment, AppriseResultStatus, NotifyFormat
        from apprise.attachment.memory import AttachMemory

        attachment = None
        if notice.picture is not None:
            data, name, media_type = notice.picture
            attachment = AppriseAttachment()
            attached = AttachMemory(content=data, name=name, mimetype=media_type)  # type: ignore[no-untyped-call] # it has no types
            attachment.add(attached)
        result = await self._apprise.async_notify(
            title=notice.title,
            body=notice.body,
            body_format=NotifyFormat.TEXT,
            attach=attachment,
            timeout=SEND_S,
        )
        if result.timeout_count or result.status == AppriseResultStatus.TIMEOUT:
            raise Unanswered(f"{self.name} did not answer within {SEND_S} s")
        if result.status != AppriseResultStatus.SUCCESS:
            raise RetryLater(RETRY_S, f"{self.name} failed: {self._reason(result)}")

    def _reason(self, result: Any) -> str:
        """Return the service's last warning, without any part of the URL."""
        text = next((str(entry.message) for entry in reversed(list(result.logs()))), "it gave no reason")
        for part in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(part, "***")
        return text
