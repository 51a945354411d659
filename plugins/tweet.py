"""Tweets an event with its picture; until `live = true` it only says what it would tweet."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

from hub.errors import DeliveryError
from hub.event import Event
from hub.plugin import Delivery, OutcomeUnknown, PluginContext, Reject, RetryLater, StoredFrame, hookimpl
from plugins.tweet_pause import Pause
from plugins.tweet_picture import read_picture
from plugins.tweet_settings import TweetSettings
from plugins.x_api import Duplicate, OnHold, XApi

GROUP = "tweet"
REPEAT_S = 60.0


class Tweet:
    """Posts at most once for each event, within its cooldown, rate and budget, which the ledger keeps."""

    Settings = TweetSettings

    def __init__(self, settings: TweetSettings, context: PluginContext) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._pause = Pause(context.log)
        keys = settings.read_keys()
        self._x = XApi(keys, settings.api_url) if keys is not None else None

    async def __aenter__(self) -> Self:
        if self._x is not None:
            await self._stack.enter_async_context(self._x)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @hookimpl
    async def deliver(self, event: Event, frame: StoredFrame | None, delivery: Delivery) -> str:
        """Tweet one event; the note is the post's id and text, or what would be tweeted."""
        preview = self._settings.write(event, event.id)
        if self._x is None:
            return f"dry-run: would tweet: {preview}"
        picture = None if frame is None else await read_picture(frame)
        key = f"tweet/{event.id}"
        try:
            return await self._tweet_once(self._x, key, event, picture, delivery)
        except OutcomeUnknown:
            if not self._settings.repeat_unknown:
                raise
            return await self._ask_again(self._x, f"{key}/again", event, picture, delivery)
        except DeliveryError as error:
            if not self._settings.repeat_unknown:
                raise
            raise RetryLater(REPEAT_S, f"{error}; the text will be posted once more, to know") from error

    async def _tweet_once(
        self, x: XApi, key: str, event: Event, picture: tuple[bytes, str] | None, delivery: Delivery
    ) -> str:
        settings = self._settings
        async with delivery.once(
            key,
            group=GROUP,
            amount=settings.cost_usd,
            cooldown_s=settings.cooldown_s,
            limits=settings.limits,
            not_after=event.captured_at + timedelta(seconds=settings.late_after_s),
        ):
            return await self._post(x, event, picture, delivery)

    async def _ask_again(
        self, x: XApi, key: str, event: Event, picture: tuple[bytes, str] | None, delivery: Delivery
    ) -> str:
        """Post a text whose outcome is unknown once more: X refuses it if the first one arrived."""
        async with delivery.once(key):
            try:
                return await self._post(x, event, picture, delivery)
            except Duplicate as answer:
                return f"tweeted before: {answer}"

    async def _post(
        self, x: XApi, event: Event, picture: tuple[bytes, str] | None, delivery: Delivery
    ) -> str:
        """Post inside `once`, so that what is refused there uploads nothing and asks X nothing."""
        self._pause.check()
        text = self._settings.write(event, await delivery.count_effects(GROUP))
        try:
            media_id = None if picture is None else await x.upload(*picture)
            blind = "" if media_id is None else await self._describe(x, media_id, event)
            post_id = await x.post(text, media_id)
        except OnHold as refusal:
            self._pause.begin(refusal)
            raise
        self._pause.end()
        return f"tweeted {post_id}{blind}: {text}"

    async def _describe(self, x: XApi, media_id: str, event: Event) -> str:
        """Give the picture its alt text; without one it is still worth a tweet, and the note says so."""
        alt_text = self._settings.write_alt_text(event)
        try:
            if alt_text:
                await x.describe(media_id, alt_text)
        except OnHold:
            raise
        except (RetryLater, Reject) as error:
            return f" (without its alt text: {error})"
        return ""
