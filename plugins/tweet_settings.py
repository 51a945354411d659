"""What is tweeted, how often, for how much, and where the keys are; the keys are never written down."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hub.event import Event
from hub.plugin import Limit, Skip
from hub.template import Template, event_values, template_of
from plugins.plain_text import defuse_all
from plugins.tweet_text import MAX_WEIGHT, find_link, fit_tweet, part_links, weigh
from plugins.x_api import API_URL, Keys

POST_USD = 0.015
POST_WITH_LINK_USD = 0.20
ALT_TEXT_CHARS = 1000

FIELDS = ("device", "camera", "place", "label", "labels", "confidence", "time", "event_id", "source")
TEMPLATE = Template.parse(
    "Botchitecture report at {time:%H:%M} (UTC): {message} #botchitecture #{device}",
    frozenset((*FIELDS, "message")),
)
ALT_TEXT = Template.parse(
    "A picture from {place} at {time:%Y-%m-%d %H:%M} (UTC), in which was seen: {labels}", frozenset(FIELDS)
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
TweetTemplate = Annotated[Template, template_of(*FIELDS, "message")]
AltTemplate = Annotated[Template, template_of(*FIELDS)]
ApiUrl = Annotated[str, AfterValidator(_check_api_url)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class TweetSettings(BaseModel):
    """The plugin's part of its table in hub.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    live: bool = Field(default=False, description="tweet; all four keys must be set then. false: a dry run")
    template: TweetTemplate = Field(default=TEMPLATE, description="template of the text")
    messages: Annotated[tuple[Message, ...], Field(min_length=1, max_length=1000)] = Field(
        default=MESSAGES, description="what {message} stands for"
    )
    order: Literal["turn", "random"] = Field(
        default="turn", description="which message: in turn from tweet to tweet, or at random"
    )
    alt_text: AltTemplate = Field(
        default=ALT_TEXT,
        description="template of what is read out in place of the picture; empty for nothing",
    )
    links: bool = Field(
        default=False,
        description="let the texts hold links, and count each post at USD 0.20 in place of 0.015",
    )
    cooldown_s: Seconds = Field(
        default=60.0, description="no further tweet for so long after one, in seconds"
    )
    max_per_hour: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=20, description="tweets within an hour at most"
    )
    budget_usd_per_month: Dollars = Field(
        default=5.0, description="what tweets may cost within a calendar month (UTC)"
    )
    late_after_s: Seconds = Field(
        default=3600.0, description="what an outage held up for longer, from the capture on, is skipped"
    )
    repeat_unknown: bool = Field(
        default=False, description="where X did not say what became of a post, post the text once more"
    )
    consumer_key_env: EnvName = Field(
        default="LENSHUB_TWEET_CONSUMER_KEY", description="the environment variable that holds the app's key"
    )
    consumer_secret_env: EnvName = Field(
        default="LENSHUB_TWEET_CONSUMER_SECRET",
        description="... the app's secret",
    )
    access_token_env: EnvName = Field(
        default="LENSHUB_TWEET_ACCESS_TOKEN",
        description="... the account's token",
    )
    access_token_secret_env: EnvName = Field(
        default="LENSHUB_TWEET_ACCESS_TOKEN_SECRET",
        description="... the account's token secret",
    )
    api_url: ApiUrl = Field(
        default=API_URL, description="another address to try against; https, or http on this machine"
    )

    @model_validator(mode="after")
    def _all_keys_where_live(self) -> Self:
        missing = [name for name in self._key_names() if not os.environ.get(name)]
        if self.live and missing:
            raise ValueError(f"live = true needs keys; not set in the environment: {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _no_link_unless_asked(self) -> Self:
        texts = [("template", self.template.text), *(("messages", text) for text in self.messages)]
        for name, text in texts:
            if not self.links and (link := find_link(text)):
                raise ValueError(
                    f"{name}: has the link {link!r}, which makes a post cost USD {POST_WITH_LINK_USD:.2f} "
                    f"in place of {POST_USD}; take it out, or set links = true"
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
        return Keys(*(os.environ[name] for name in self._key_names())) if self.live else None

    @property
    def cost_usd(self) -> float:
        """What a post costs, at the most."""
        return POST_WITH_LINK_USD if self.links else POST_USD

    @property
    def limits(self) -> tuple[Limit, Limit]:
        """The rate cap and the budget, by their settings' names."""
        return (
            Limit("max_per_hour", "hour", count=self.max_per_hour),
            Limit("budget_usd_per_month", "month", amount=self.budget_usd_per_month),
        )

    def write(self, event: Event, turn: int) -> str:
        """Return the text of an event's tweet, within X's limit.

        Args:
            turn: Which tweet it is, for messages in turn.

        Raises:
            Skip: The event has no detections.
        """
        values = _values_of(event)

        def render(message: str) -> str:
            text = self.template.render({**values, "message": message})
            return text if self.links else part_links(text)

        return fit_tweet(render, self._choose_message(event, turn))

    def _choose_message(self, event: Event, turn: int) -> str:
        if self.order == "random":  # the same one at every attempt, and in every preview
            return random.Random(event.id).choice(self.messages)  # noqa: S311 - no secret
        return self.messages[turn % len(self.messages)]

    def write_alt_text(self, event: Event) -> str:
        """Return what is read out in place of the picture; empty for nothing."""
        return self.alt_text.render(_values_of(event))[:ALT_TEXT_CHARS].strip()

    def preview(self, event: Event) -> Mapping[str, str]:
        """Return what `lenshub template try --plugin` shows."""
        text = self.write(event, event.id)
        return {
            "tweet": text,
            "length": f"{weigh(text)} of {MAX_WEIGHT}",
            "alt_text": self.write_alt_text(event),
        }


def _values_of(event: Event) -> dict[str, object]:
    best = event.best()
    if best is None:
        raise Skip("no detections")
    return defuse_all(event_values(event, best.label, best.confidence))
