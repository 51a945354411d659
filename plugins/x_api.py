"""Posts to X with the keys of one account: uploads a picture, posts a text, and judges what X answers."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hub.errors import DeliveryError
from hub.plugin import Reject, RetryLater

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession

API_URL = "https://api.x.com"
CONNECT_S = 4
REQUEST_S = 12
DESCRIBE_S = 4
PAUSE_S = 30.0
KEYS_PAUSE_S = 600.0
CREDITS_PAUSE_S = 3600.0
LONGEST_PAUSE_S = 86_400.0
_LIMITS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
# Kinds of 403 that are about the app or its account, and not about one post.
_ACCOUNT = ("oauth1-permissions", "client-forbidden", "client-not-enrolled", "suspended", "locked")


class OnHold(RetryLater):
    """X takes nothing from this account for now; nothing was posted."""


class Duplicate(Reject):
    """X has this text already; it was not posted again."""


@dataclass(frozen=True, slots=True)
class Keys:
    """OAuth 1.0a keys of an app and an account; never shown."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)


def _detail(body: str) -> str:
    """Return what X says in words in the body of an error."""
    try:
        found = json.loads(body)
        text = found.get("detail") or found.get("title") or found["errors"][0]["message"]
    except (ValueError, AttributeError, LookupError, TypeError):
        return "no reason given"
    return str(text)[:200]


def _until_reset_s(headers: Mapping[str, str]) -> float:
    """Return the seconds until every limit that is used up is reset, as X's headers say."""
    spent = [name for name in _LIMITS if headers.get(f"{name}-remaining") == "0"] or _LIMITS[:1]
    resets = [headers.get(f"{name}-reset", "") for name in spent]
    left = [float(reset) - time.time() for reset in resets if reset.isdecimal() and len(reset) < 15]
    return min(max([1.0, *left] if left else [PAUSE_S]), LONGEST_PAUSE_S)


def judge_refusal(status: int, headers: Mapping[str, str], body: str) -> RetryLater | Reject:
    """Return what a 4xx answer means: nothing was posted, now or for good."""
    if status == 401:
        return OnHold(KEYS_PAUSE_S, "X: 401, the keys are wrong or revoked; correct them and restart the hub")
    if status == 402:
        return OnHold(CREDITS_PAUSE_S, "X: 402, the account is out of credits; buy some at developer.x.com")
    if status == 403:
        return _judge_forbidden(body)
    if status == 429 and "usage-capped" in body:
        return OnHold(
            CREDITS_PAUSE_S, f"X: 429, the usage cap is reached; raise it at developer.x.com: {_detail(body)}"
        )
    if status == 429:
        return OnHold(_until_reset_s(headers), "X: 429, the rate limit is reached")
    return Reject(f"X: {status}: {_detail(body)}")


def _judge_forbidden(body: str) -> RetryLater | Reject:
    if "duplicate content" in body:
        return Duplicate(f"X: 403, it has this text already: {_detail(body)}")
    if any(kind in body for kind in _ACCOUNT):
        return OnHold(KEYS_PAUSE_S, f"X: 403, it does not let this app or account post: {_detail(body)}")
    return Reject(f"X: 403, it does not allow this post: {_detail(body)}")


def _silence_debug() -> None:
    """Tweepy's and oauthlib's DEBUG lines show the Authorization header."""
    for name in ("tweepy", "oauthlib"):
        logging.getLogger(name).setLevel(logging.INFO)


class XApi:
    """A session with X, entered once.

    Args:
        api_url: Where X is; another address than `API_URL` is a stand-in for tests.
    """

    def __init__(self, keys: Keys, api_url: str = API_URL) -> None:
        self._keys = keys
        self._api_url = api_url.rstrip("/")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        import aiohttp
        from tweepy.asynchronous import AsyncClient

        _silence_debug()
        session = aiohttp.ClientSession(
            # A connection that X closed meanwhile would make an unknown outcome of a post never sent.
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=REQUEST_S, sock_connect=CONNECT_S),
            middlewares=() if self._api_url == API_URL else (self._send_to_stand_in,),
        )
        self._session: ClientSession = await self._stack.enter_async_context(session)
        keys = self._keys
        self._client = AsyncClient(
            consumer_key=keys.consumer_key,
            consumer_secret=keys.consumer_secret,
            access_token=keys.access_token,
            access_token_secret=keys.access_token_secret,
        )
        self._client.session = session
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _send_to_stand_in(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        """Send tweepy's requests, whose host is fixed, to `api_url`; their signature stays as it is."""
        from yarl import URL

        request.url = URL(self._api_url + request.url.raw_path_qs, encoded=True)
        return await send(request)

    async def upload(self, picture: bytes, media_type: str) -> str:
        """Upload a picture and return its media id. May be repeated: a picture without a post is not seen.

        Raises:
            RetryLater: X is busy, failing or out of reach.
            Reject: X refuses for good.
        """
        import aiohttp

        form = aiohttp.FormData()
        form.add_field("media", io.BytesIO(picture), filename="picture", content_type=media_type)
        form.add_field("media_category", "tweet_image")
        form.add_field("media_type", media_type)
        answer = await self._send("/2/media/upload", REQUEST_S, data=form)
        try:
            return str(answer["data"]["id"])
        except (LookupError, TypeError) as error:
            raise RetryLater(PAUSE_S, "X: the picture was not taken: its answer has no id") from error

    async def describe(self, media_id: str, alt_text: str) -> None:
        """Give an uploaded picture its alt text, 1 to 1000 characters.

        Raises:
            RetryLater, Reject: The picture has none.
        """
        metadata = {"id": media_id, "metadata": {"alt_text": {"text": alt_text}}}
        await self._send("/2/media/metadata", DESCRIBE_S, json=metadata)

    async def _send(self, path: str, within_s: float, **content: Any) -> Any:
        """Send something that may be repeated, and return the JSON that X answers."""
        import aiohttp

        url, limit = API_URL + path, aiohttp.ClientTimeout(total=within_s, sock_connect=CONNECT_S)
        try:
            async with self._session.post(
                url, headers=self._sign(url), timeout=limit, allow_redirects=False, **content
            ) as response:
                body = await response.text(errors="replace")
                if 400 <= response.status < 500:
                    raise judge_refusal(response.status, response.headers, body)
                response.raise_for_status()
                return json.loads(body)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RetryLater(PAUSE_S, f"X: the picture was not taken: {_name(error)}") from error

    def _sign(self, url: str) -> dict[str, str]:
        """Return the headers that sign a POST; a multipart body is no part of the signature."""
        from oauthlib.oauth1 import Client

        keys = self._keys
        signer = Client(keys.consumer_key, keys.consumer_secret, keys.access_token, keys.access_token_secret)
        _, headers, _ = signer.sign(url, "POST")
        return dict(headers)

    async def post(self, text: str, media_id: str | None) -> str:
        """Post a text, perhaps with an uploaded picture, and return the id of the post.

        Raises:
            RetryLater, Reject: Nothing was posted; OnHold and Duplicate say more.
            DeliveryError: Whether it was posted is not known.
        """
        import aiohttp
        import tweepy

        try:
            answer: Any = await self._client.create_tweet(text=text, media_ids=media_id and [media_id])
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RetryLater(PAUSE_S, f"X cannot be reached: {_name(error)}") from error
        except tweepy.HTTPException as error:
            status, headers = error.response.status, error.response.headers
            if status < 500:
                raise judge_refusal(status, headers, await error.response.text(errors="replace")) from error
            raise DeliveryError(f"X: {status} in answer to the post") from error
        except aiohttp.ContentTypeError as error:
            if 400 <= error.status < 500:
                raise judge_refusal(error.status, error.headers or {}, "") from error
            raise DeliveryError(f"X: {error.status} in answer to the post, not JSON") from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise DeliveryError(f"X did not answer the post: {_name(error)}") from error
        try:
            return str(answer.data["id"])
        except (LookupError, TypeError) as error:
            raise DeliveryError("X answered the post without its id") from error


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200] if str(error) else type(error).__name__
