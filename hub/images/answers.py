"""What the HTTP door answers: JSON, an event or one clear error."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from hub.event import Event
from hub.images.message import Refusal

STATUS_OF = {
    "picture_too_large": 413,
    "picture_too_many_pixels": 413,
    "picture_not_jpeg": 415,
    "picture_animated": 415,
}
"""Of other refusals it is 422."""


class Wrong(Exception):  # noqa: N818 - what the request is
    """A request that cannot be answered otherwise."""

    def __init__(self, status: int, code: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.code = code
        self.answer = web.json_response(
            {"error": {"code": code, "reason": reason}}, status=status, headers=headers
        )


def stored(event: Event, key: str, status: int) -> web.Response:
    """Answer with the event of a picture."""
    body = {"key": key, "state": "stored", "event": event.model_dump(mode="json")}
    return web.json_response(body, status=status)


def waiting(key: str) -> web.Response:
    """Answer that the picture is kept, and where to ask for its event."""
    place = f"/v1/images/{quote(key, safe='')}"
    body = {"key": key, "state": "waiting", "ask": place}
    return web.json_response(body, status=202, headers={"Location": place, "Retry-After": "5"})


def kept_back(key: str) -> web.Response:
    """Answer that a gate kept the picture back."""
    return web.json_response({"key": key, "state": "kept back"})


def refused(key: str, refusal: Refusal) -> web.Response:
    """Answer why no event can be made of a picture."""
    body = {"key": key, "state": "refused", "error": refusal.model_dump()}
    return web.json_response(body, status=STATUS_OF.get(refusal.code, 422))
