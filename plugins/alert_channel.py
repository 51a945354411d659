"""Sends an alert to one Apprise URL; what it says of failures holds nothing secret."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from hub.plugin import RetryLater

SEND_S = 20
CONNECT_S = 10
RETRY_S = 10
_SPACE = re.compile(r"[\s,]")
_BETWEEN_PARTS = re.compile(r"[/:@?&=#]+")
_OPEN_NAMES = frozenset({"localhost", "127.0.0.1"})


class Unanswered(Exception):  # noqa: N818 - neither sent nor failed
    """The channel did not say in time whether the alert arrived."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What is sent; the picture is (bytes, file name, media type)."""

    title: str
    body: str
    picture: tuple[bytes, str, str] | None


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


class AlertChannel:
    """One target of alerts. `name` is the service's, such as `Discord`; the URL is never shown."""

    def __init__(self, url: str) -> None:
        self._apprise = _load(url)
        service = self._apprise[0]
        # Its own limit is 4 s, and it calls a late answer a failure: then the alert would be sent again.
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_S, 2 * SEND_S
        self._secrets = {part for found in (url, unquote(url)) for part in _BETWEEN_PARTS.split(found)}
        self._secrets = {part for part in self._secrets if len(part) >= 4} - _OPEN_NAMES
        self.name = str(self._apprise[0].service_name)

    async def send(self, alert: Alert) -> None:
        """Send one alert.

        Raises:
            RetryLater: The service refused it or could not be reached.
            Unanswered: It did not answer within `SEND_S` seconds.
        """
        from apprise import AppriseAttachment, AppriseResultStatus, NotifyFormat
        from apprise.attachment.memory import AttachMemory

        attachment = None
        if alert.picture is not None:
            data, name, media_type = alert.picture
            attachment = AppriseAttachment()
            attached = AttachMemory(content=data, name=name, mimetype=media_type)  # type: ignore[no-untyped-call] # it has no types
            attachment.add(attached)
        result = await self._apprise.async_notify(
            title=alert.title,
            body=alert.body,
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
