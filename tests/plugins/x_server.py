"""Stands in for X: takes pictures and posts signed with OAuth 1.0a, and can refuse, fail, hang and drop."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web
from oauthlib.oauth1 import Client

KEYS = {
    "LENSHUB_TWEET_CONSUMER_KEY": "consumer-key",
    "LENSHUB_TWEET_CONSUMER_SECRET": "consumer-s3cret",
    "LENSHUB_TWEET_ACCESS_TOKEN": "123-access-token",
    "LENSHUB_TWEET_ACCESS_TOKEN_SECRET": "access-s3cret",
}
HTML = "<html><body>Over capacity</body></html>"
_PROBLEM = "https://api.twitter.com/2/problems"


def _problem(status: int, detail: str, kind: str = "about:blank") -> web.Response:
    body = {"title": detail.split(".")[0], "detail": detail, "type": kind, "status": status}
    return web.json_response(body, status=status, content_type="application/json")


def _is_signed(request: web.Request) -> bool:
    """Sign the request again with the nonce and time it carries, and compare."""
    header = request.headers.get("Authorization", "")
    found = dict(re.findall(r'(oauth_\w+)="([^"]*)"', header))
    host = "https://api.twitter.com" if request.path == "/2/tweets" else "https://api.x.com"
    signer = Client(*KEYS.values(), nonce=found.get("oauth_nonce"), timestamp=found.get("oauth_timestamp"))
    _, headers, _ = signer.sign(host + request.path, "POST")
    again = dict(re.findall(r'(oauth_\w+)="([^"]*)"', headers["Authorization"]))
    return unquote(again["oauth_signature"]) == unquote(found.get("oauth_signature", ""))


class XServer:
    """Keeps pictures and posts. `trouble` maps a path to what it does instead of answering well:
    limit, cap, credits, keys, permissions, duplicate, html, hang, drop, or drop_after and fail_after (which
    keep the post). With `knows_duplicates` off it takes every text again."""

    def __init__(self) -> None:
        self.pictures: dict[str, dict[str, Any]] = {}
        self.posts: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.trouble: dict[str, str] = {}
        self.alt_texts: dict[str, str] = {}
        self.knows_duplicates = True
        self._end = asyncio.Event()

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=20_000_000)
        application.router.add_post("/2/media/upload", self._take_picture)
        application.router.add_post("/2/media/metadata", self._take_metadata)
        application.router.add_post("/2/tweets", self._take_post)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end.set()
        await self._runner.cleanup()

    async def _take_picture(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (refused := await self._refuse(request)) is not None:
            return refused
        media = form["media"]
        media_id = str(1_900_000_000_000_000_000 + len(self.pictures))
        data = media.file.read()
        self.pictures[media_id] = {
            "bytes": data,
            "part_type": media.content_type,
            "media_category": form["media_category"],
            "media_type": form["media_type"],
        }
        answer = {
            "id": media_id,
            "media_key": f"3_{media_id}",
            "size": len(data),
            "expires_after_secs": 86400,
        }
        return web.json_response({"data": answer})

    async def _take_metadata(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (refused := await self._refuse(request)) is not None:
            return refused
        if body["id"] not in self.pictures:
            return _problem(404, "Not Found Error")
        alt_text = body["metadata"]["alt_text"]
        self.alt_texts[body["id"]] = alt_text["text"]
        answer = {"id": body["id"], "associated_metadata": {"alt_text": alt_text}}
        return web.json_response({"data": answer})

    async def _take_post(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (refused := await self._refuse(request)) is not None:
            return refused
        if self.knows_duplicates and any(post["text"] == body["text"] for post in self.posts):
            return _problem(403, "You are not allowed to create a Tweet with duplicate content.")
        self.posts.append(body)
        if self.trouble.get(request.path) == "drop_after":
            request.transport.close()
        if self.trouble.get(request.path) == "fail_after":
            return _problem(503, "Service Unavailable")
        answer = {"id": str(2_000_000 + len(self.posts)), "text": body["text"], "edit_history_tweet_ids": []}
        return web.json_response({"data": answer}, status=201)

    async def _refuse(self, request: web.Request) -> web.Response | None:
        self.requests.append(request.path)
        if not _is_signed(request):
            return _problem(401, "Unauthorized")
        trouble = self.trouble.get(request.path)
        if trouble == "hang":
            await self._end.wait()
        if trouble == "drop":
            request.transport.close()
        return _TROUBLES[trouble]() if trouble in _TROUBLES else None


def _limit() -> web.Response:
    answer = _problem(429, "Too Many Requests")
    answer.headers.update({"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0"})
    answer.headers["x-rate-limit-reset"] = str(int(time.time()) + 900)
    return answer


def _daily_limit() -> web.Response:
    answer = _problem(429, "Too Many Requests")
    answer.headers.update({"x-rate-limit-remaining": "99", "x-rate-limit-reset": str(int(time.time()) + 90)})
    answer.headers.update({"x-user-limit-24hour-limit": "100", "x-user-limit-24hour-remaining": "0"})
    answer.headers["x-user-limit-24hour-reset"] = str(int(time.time()) + 7200)
    return answer


_TROUBLES = {
    "limit": _limit,
    "daily_limit": _daily_limit,
    "cap": lambda: _problem(429, "Usage cap exceeded: Monthly product cap", f"{_PROBLEM}/usage-capped"),
    "credits": lambda: _problem(
        402, "Your enrolled account does not have any credits", f"{_PROBLEM}/credits"
    ),
    "keys": lambda: _problem(401, "Unauthorized"),
    "permissions": lambda: _problem(
        403,
        "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.",
        f"{_PROBLEM}/oauth1-permissions",
    ),
    "policy": lambda: _problem(403, "You are not permitted to perform this action."),
    "no_id": lambda: web.json_response({"data": None}, status=201),
    "duplicate": lambda: _problem(403, "You are not allowed to create a Tweet with duplicate content."),
    "html": lambda: web.Response(text=HTML, status=503, content_type="text/html"),
    "html_limit": lambda: web.Response(text=HTML, status=429, content_type="text/html"),
    "json_503": lambda: _problem(503, "Service Unavailable"),
    "empty": lambda: web.Response(status=201, text="", content_type="application/json"),
    "drop": web.Response,
}
