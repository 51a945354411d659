"""Tweets an event with its picture; without keys it only says what it would tweet."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.draw.threads import work_on_picture
from hub.event import Event
from hub.plugin import Delivery, PluginContext, Skip, StoredFrame, hookimpl
from hub.template import Template, event_values, template_of
from plugins.plain_text import defuse_all
from plugins.tweet_text import fit_tweet
from plugins.x_api import API_URL, Keys, XApi

POST_USD = 0.015
MAX_PICTURE_BYTES = 5_000_000  # X's limit for an image
SMALLER_SIDE = 2048

FIELDS = ("device", "label", "confidence", "time", "event_id", "source", "message")
TEMPLATE = Template.parse(
    "Botchitecture report at {time:%H:%M} (UTC): {message} #botchitecture #{device}", frozenset(FIELDS)
)
MESSAGES = (
    "Somebody gives a thumbs up!",
    "Thumbs up! Today's coffee must be good.",
    "Another happy coffee drinker.",
    "The people have spoken: thumbs up.",
)


def _check_api_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"} and parts.port != 0
    except ValueError as error:
        raise ValueError("is not an address like https://api.x.com") from error
    if parts.username or parts.password or parts.path.strip("/") or parts.query or not parts.hostname:
        raise ValueError("is not an address like https://api.x.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("must be https, except on this machine")
    return value


EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
Message = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
TweetTemplate = Annotated[Template, template_of(*FIELDS)]
ApiUrl = Annotated[str, AfterValidator(_check_api_url)]


def shrink(picture: bytes) -> tuple[bytes, str] | None:
    """Return a JPEG that X takes and its media type, or None when that cannot be made. Blocks."""
    import cv2

    from hub.draw.picture import PictureError, decode_picture, encode_jpeg

    try:
        pixels = decode_picture(picture)
    except PictureError:
        return None
    scale = min(1.0, SMALLER_SIDE / max(pixels.shape[:2]))
    smaller = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    data = encode_jpeg(smaller, quality=80)  # type: ignore[arg-type] # cv2 types any array of numbers
    return (data, "image/jpeg") if len(data) <= MAX_PICTURE_BYTES else None


class Tweet:
    """Posts at most once for each event, and not again while the cooldown holds."""

    class Settings(BaseModel):
        """What is said, how often, and where the keys are; the keys themselves are never written down."""

        model_config = ConfigDict(frozen=True, extra="forbid")

        template: TweetTemplate = TEMPLATE
        messages: Annotated[tuple[Message, ...], Field(min_length=1, max_length=1000)] = MESSAGES
        cooldown_s: Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)] = 60.0
        consumer_key_env: EnvName = "LENSHUB_TWEET_CONSUMER_KEY"
        consumer_secret_env: EnvName = "LENSHUB_TWEET_CONSUMER_SECRET"  # noqa: S105 - a name, not a secret
        access_token_env: EnvName = "LENSHUB_TWEET_ACCESS_TOKEN"  # noqa: S105 - a name, not a secret
        access_token_secret_env: EnvName = "LENSHUB_TWEET_ACCESS_TOKEN_SECRET"  # noqa: S105 - a name, not a secret
        api_url: ApiUrl = API_URL

        @model_validator(mode="after")
        def _all_keys_or_none(self) -> Self:
            names = self._key_names()
            missing = [name for name in names if not os.environ.get(name)]
            if missing and len(missing) < len(names):
                raise ValueError(
                    f"not set in the environment: {', '.join(missing)} (set all four keys, or none)"
                )
            return self

        def _key_names(self) -> tuple[str, ...]:
            return (
                self.consumer_key_env,
                self.consumer_secret_env,
                self.access_token_env,
                self.access_token_secret_env,
            )

        def read_keys(self) -> Keys | None:
            """Return the keys found in the environment, or None for a dry run."""
            values = [os.environ.get(name, "") for name in self._key_names()]
            return Keys(*values) if all(values) else None

    def __init__(self, settings: Settings, context: PluginContext) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
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
        text = self._write(event)
        if self._x is None:
            return f"dry-run: would tweet: {text}"
        picture = None if frame is None else await self._read_picture(frame)
        async with delivery.once(
            f"tweet/{event.id}", group="tweet", amount=POST_USD, cooldown_s=self._settings.cooldown_s
        ):
            # In here, so that what the cooldown refuses uploads nothing; a failed upload gives the post back.
            media_id = None if picture is None else await self._x.upload(*picture)
            post_id = await self._x.post(text, media_id)
        return f"tweeted {post_id}: {text}"

    def _write(self, event: Event) -> str:
        best = event.best()
        if best is None:
            raise Skip("no detections")
        values = defuse_all(event_values(event, best.label, best.confidence))
        message = self._settings.messages[event.id % len(self._settings.messages)]
        return fit_tweet(lambda part: self._settings.template.render(values | {"message": part}), message)

    async def _read_picture(self, frame: StoredFrame) -> tuple[bytes, str] | None:
        """Return the frame as X takes it and its media type, or None when it cannot be made to fit."""
        data = await frame.read()
        if len(data) <= MAX_PICTURE_BYTES:
            return data, frame.media_type
        return await work_on_picture(shrink, data)
