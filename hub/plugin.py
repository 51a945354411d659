"""What a plugin author imports: the hooks, what they are given, and the ways to end a delivery."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import pluggy
from pydantic import JsonValue

from hub.decode.message import Decoded as Decoded
from hub.decode.message import Message as Message
from hub.decode.message import Status as Status
from hub.errors import PayloadError as PayloadError
from hub.event import Event
from hub.images.image import Image as Image
from hub.images.image import S3Object as S3Object
from hub.images.message import Seen as Seen
from hub.images.message import read_classified as read_classified

hookspec = pluggy.HookspecMarker("lenshub")
hookimpl = pluggy.HookimplMarker("lenshub")


class DeliverySignal(Exception):  # noqa: N818 - a way to end a delivery, not an error
    """Ends a delivery with an outcome of the plugin's choice."""


class Skip(DeliverySignal):
    """Nothing to do for this event: the outcome is `skipped`, with the reason."""


class RetryLater(DeliverySignal):
    """Try again, not before `after_s` seconds: the outcome is `retrying`.

    Args:
        after_s: Seconds to wait at least, as a server's Retry-After says.
        reason: What stood in the way.
    """

    def __init__(self, after_s: float, reason: str) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Reject(DeliverySignal):
    """No attempt can ever succeed: the outcome is `dead`, with the reason."""


class AlreadyDone(DeliverySignal):
    """Raised on entering `delivery.once` when the effect was completed by an earlier attempt.

    Left alone it settles the delivery as done; suppress it where one delivery has several effects.
    """


class OutcomeUnknown(DeliverySignal):
    """Raised on entering `delivery.once` when an earlier attempt began the effect and left its end open.

    Left alone it settles the delivery as unknown. The effect is not repeated.
    """


class StoredFrame(Protocol):
    """The event's picture in the frame store; width and height in pixels."""

    digest: str
    width: int
    height: int
    media_type: str

    async def read(self) -> bytes:
        """Return the bytes as they came from the device.

        Raises:
            Reject: The file is gone from the frame store.
        """
        ...


@dataclass(frozen=True, slots=True)
class EffectSeen:
    """A row of the instance's effects ledger; `done` is False while its end is not known."""

    key: str
    group: str
    event_id: int
    done: bool
    began_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """A device as the store knows it.

    `state` is online, offline or what else its last status said, None without one; `last_seen_at` is when it
    last sent anything at all.
    """

    name: str
    state: str | None
    state_at: datetime | None
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Captured:
    """An event that an instance chose as training data, by the id of its first row.

    `reasons` says why, what chose it first; `score` how much it teaches; `label` is that of the detection
    that counted, None where there is none; `likeness` is the picture's hash, see `Delivery.capture`.
    """

    event_id: int
    reasons: tuple[str, ...]
    score: float
    label: str | None
    likeness: bytes | None
    chosen_at: datetime


@dataclass(frozen=True, slots=True)
class RejectedSeen:
    """An event that a reviewer rejected: what it had detected, and its picture's hash if it was captured."""

    event_id: int
    device: str
    labels: tuple[str, ...]
    likeness: bytes | None
    rejected_at: datetime


class Recall(Protocol):
    """What an instance may look up in the ledger and the log, as far as is committed."""

    async def effects(
        self,
        *,
        key: str | None = None,
        prefix: str = "",
        group: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[EffectSeen]:
        """Return the instance's own effects, newest first: of a key, its beginning, a group, since then."""
        ...

    async def devices(self) -> list[DeviceSeen]:
        """Return every device that was ever heard."""
        ...

    async def same_frame(self, event: Event) -> list[Event]:
        """Return earlier events of the same picture from the same device, newest first."""
        ...

    async def newest(
        self,
        *,
        device: str | None = None,
        camera: str | None = None,
        label: str | None = None,
        min_confidence: float = 0.0,
    ) -> Event | None:
        """Return the newest event that has such a detection, or None."""
        ...

    async def label_shares(self, event: Event, *, among: int = 1000) -> Mapping[str, float]:
        """Return in which share (0..1) of the log's last rows up to an event each of its labels is.

        Args:
            among: How many rows, 1 to 10,000; amendments are not counted.
        """
        ...

    async def rejected(self, *, since: datetime, limit: int = 200) -> list[RejectedSeen]:
        """Return the events that reviewers rejected since then and nobody took back, newest first.

        Args:
            limit: How many verdicts to look at, 1000 at most.
        """
        ...


@dataclass(frozen=True, slots=True)
class CaptureLimit:
    """The most events that an instance may capture in a period, which reaches back from now.

    Args:
        name: What `lenshub explain` calls it: best the setting it comes from.
        count: So many.
        period: How long.
        per: Counted over all its captures, or those of the same label or device alone.
    """

    name: str
    count: int
    period: Literal["minute", "hour", "day"]
    per: Literal["all", "label", "device"] = "all"


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that the effects of a group may come to in a period, those left unknown included.

    Args:
        name: What `lenshub explain` calls it: best the setting it comes from.
        period: "hour" and "day" reach back from now; "month" is the calendar's, in UTC.
        amount: The most they may cost together; None for any.
        count: The most there may be; None for any.
    """

    name: str
    period: Literal["hour", "day", "month"]
    amount: float | None = None
    count: int | None = None


class Delivery(Protocol):
    """One event on its way to one plugin instance."""

    plugin: str
    attempt: int
    """1 at the first try."""

    @property
    def recall(self) -> Recall:
        """What can be looked up."""
        ...

    def once(
        self,
        key: str,
        *,
        group: str = "",
        amount: float = 0.0,
        cooldown_s: float = 0.0,
        limits: Sequence[Limit] = (),
        not_after: datetime | None = None,
        repeatable: bool = False,
    ) -> AbstractAsyncContextManager[None]:
        """Guard an effect that cannot be repeated, such as a tweet.

        The effects ledger has a committed row for `key` before the block runs. `RetryLater` or `Reject`
        raised inside gives it back; any other exception, a timeout or a crash leaves it unknown.

        Args:
            key: What names this effect among all of this plugin instance.
            group: What a cooldown or limit is counted over.
            amount: What it costs.
            cooldown_s: Refuse while an effect of the same group began less than this many seconds ago.
            limits: Refuse where this effect would be too many, or cost too much, of its group.
            not_after: Refuse to begin it later than this, as when an outage was long.
            repeatable: The far side knows a repeat by the key: what was left open is done again.

        Raises:
            Skip: The cooldown holds, a limit is used up, or it is too late.
            AlreadyDone: An earlier attempt completed this key.
            OutcomeUnknown: An earlier attempt began this key and did not say how it ended.
        """
        ...

    async def count_effects(self, group: str) -> int:
        """Count the effects of a group that began before this event's first one, or so far if it has none.

        So it gives each event another number, the same one at every attempt.
        """
        ...

    async def count_events(
        self,
        *,
        since: datetime,
        label: str | None = None,
        device: str | None = None,
        camera: str | None = None,
        min_confidence: float = 0.0,
    ) -> int:
        """Count stored events up to this one, captured at `since` or later, that have such a detection."""
        ...

    async def captured(self) -> Captured | None:
        """Return how this instance captured the event, as an attempt before a crash may have, or None."""
        ...

    async def capture(
        self,
        reasons: Sequence[str],
        *,
        score: float = 0.0,
        label: str | None = None,
        likeness: bytes | None = None,
        limits: Sequence[CaptureLimit] = (),
        near_bits: int = 12,
        near_among: int = 200,
    ) -> Captured:
        """Choose the event as training data: reviewers get it, datasets tell why it is there.

        It is committed when this returns. An event is captured once by an instance: again changes nothing,
        asks no limit, and returns what there is.

        Args:
            reasons: Why, 1 to 16 short names, what chose it first.
            score: How much it teaches; reviewers get the highest first.
            label: Of the detection that counted.
            likeness: The picture's hash, 32 bytes, as `hub.dataset.likeness.hash_bytes` makes it.
            limits: None may be exceeded by it, however many deliveries run at once.
            near_bits: Refuse where at most so many bits of `likeness` differ from another capture's, ...
            near_among: ... among so many of the same device's last ones, 1000 at most; 0 compares none.

        Raises:
            Skip: A limit is used up, or nearly the same picture was captured; the text says which.
            ValueError: An argument is not as said here.
        """
        ...


class Source(Protocol):
    """Where messages come from: a queue, a folder, a device that is asked.

    If it is an async context manager too, the hub enters it before it reads and leaves it after a failure.
    Then it waits, for half a second at first and half a minute at most, and begins anew.
    """

    name: str
    """What `lenshub plugins` calls it; one word."""

    def messages(self) -> AsyncIterator[Message]:
        """Yield what there is, oldest first, and wait for more; returning means there will never be more.

        At most 1,000 messages are ahead of their acknowledgement. One may be yielded again after a failure:
        give its events a `key`, then they are stored once.
        """
        ...

    async def acknowledge(self, message: Message) -> None:
        """Forget a message that `messages` yielded: what became of it is committed.

        Called for each, in the order yielded, but not for those yielded before a failure.
        """
        ...


class Calls(Protocol):
    """Paid calls about one image: an answer is committed when it comes, and never paid for again."""

    async def ask(
        self,
        operation: str,
        call: Callable[[], Awaitable[JsonValue]],
        *,
        price: float = 0.0,
        limits: Sequence[Limit] = (),
    ) -> JsonValue:
        """Return the answer that an earlier attempt got, or else that of `call`, which is committed first.

        With a price or limits the call is noted before it is made. `RetryLater` or `Reject` raised by `call`
        says that nothing was paid; after any other exception, or a crash, it counts as paid.

        Args:
            operation: What names this call among all about the image.
            price: What it costs, in the currency of the limits' amounts.
            limits: Over all calls of this instance.

        Raises:
            RetryLater: A limit is used up; `after_s` is when it is renewed.
        """
        ...


class Batch(Protocol):
    """The time in which a model runs that costs money while it does."""

    number: int
    """Which batch of this instance it is; the same one after a restart."""
    backlog: int
    """How many pictures waited when it began, as far as that is known."""

    @property
    def memory(self) -> Mapping[str, JsonValue]:
        """What was remembered of this batch, also before a restart; change it with `remember`."""
        ...

    async def remember(self, **values: JsonValue) -> None:
        """Add to the memory; it is committed when this returns."""
        ...

    def note(self, text: str) -> None:
        """Say in a line how far it is, for `lenshub plugins`."""
        ...


@dataclass(frozen=True, slots=True)
class DigestLine:
    """Events held back that saw one label in one place; `best` is the highest confidence among them.

    `camera` is None where its device does not name it, `label` and `best` where nothing was seen.
    """

    device: str
    camera: str | None
    label: str | None
    count: int
    best: float | None
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """All events that were held back from an instance in one quiet time.

    `since` and `until` are when the first and the last was captured. `rules` says how many each rule held
    back: snooze, quiet, quota or cooldown. `lines` are at most 50, those with most events first; `more`
    events are in none of them. `latest` is the last one, or None where it is no longer stored.
    """

    number: int
    count: int
    since: datetime
    until: datetime
    rules: Mapping[str, int]
    lines: tuple[DigestLine, ...]
    more: int
    latest: Event | None


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What an instance is told when it is made: its name in hub.toml, where relative paths start, its log."""

    name: str
    data_dir: Path
    log: logging.Logger


class Specifications:
    """The hooks. A plugin implements those it wants and takes only the arguments it wants."""

    @hookspec
    async def deliver(self, event: Event, frame: StoredFrame | None, delivery: Delivery) -> str | None:
        """Act on one event; called at least once for each event that the instance's `match` lets through.

        Returns:
            A note on what was done (an object key, a message id), shown by `lenshub explain`, or None.

        Raises:
            Skip, RetryLater, Reject: The outcome is skipped, retrying, or dead.
            Exception: Anything else counts as a failed attempt and is tried again, up to `attempts` times.
        """

    @hookspec
    async def digest(self, digest: Digest, frame: StoredFrame | None, delivery: Delivery) -> str | None:
        """Tell of the events that `suppress` or a snooze held back, once the quiet time is over.

        Called at least once for each digest; `f"digest/{digest.number}"` is a key for `delivery.once`. It
        ends as a delivery does, with the same outcomes and attempts. `frame` is that of the latest event.
        Without this hook what is held back is only skipped.
        """

    @hookspec
    async def tick(self, now: datetime, delivery: Delivery) -> None:
        """Look at the clock; called every `tick_s` seconds while the instance runs, never twice at a time.

        For what no event tells: silence, deadlines. `now` is the hub's clock. `delivery` counts events up to
        the newest one, and guards effects as in `deliver`. What fails is left to the next tick.
        """

    @hookspec
    def decode(self, message: Message) -> Decoded:
        """Read one message: of the topics that hub.toml gives to this instance, and of its own sources.

        A pure function, done in a millisecond: it runs between all other messages.

        Returns:
            Events and statuses of one device; `picture` is the JPEG or PNG of the first event, whose `frame`
            the hub fills in. The members `position`, `hello`, `gap` and `image_link` are not for plugins.

        Raises:
            PayloadError: The message cannot be read; it is kept in quarantine with the code and the reason.
            Exception: Anything else is the decoder's own fault: quarantined as `decoder_failed`.
        """
        raise NotImplementedError

    @hookspec
    async def classify(self, image: Image, calls: Calls) -> JsonValue:
        """Ask a classifier about one image of the instance's `images` table.

        What is returned is kept, and read by `decode` with `read_classified`. One that fails is tried again;
        what `calls` was told is not asked again.

        Raises:
            RetryLater: The far side is down, throttles, or must not be paid more: the image stays where it
                is, and no other is asked about for so long.
            Reject: No attempt can succeed: the image goes to quarantine with the reason, as `rejected`.
            PayloadError: Likewise, with a code of its own, such as `bad_answer`.
        """
        raise NotImplementedError

    @hookspec
    async def begin_batch(self, batch: Batch) -> None:
        """Start the model that `classify` asks, and wait until it runs.

        Called again after a restart, and where it raised `RetryLater`; `batch.memory` tells what was done.
        Remember what is about to be started before it is. After any other exception the batch is ended.
        """

    @hookspec
    async def end_batch(self, batch: Batch) -> None:
        """Stop what this batch started, and nothing else.

        Called whatever happened, also after a restart, and again until it succeeds.
        """

    @hookspec
    def sources(self) -> Sequence[Source]:
        """Return the sources of this instance; asked once, after the instance was entered.

        Their messages go to the instance's own `decode`.
        """
        raise NotImplementedError

    @hookspec
    def status(self) -> str | None:
        """Say in a line how the instance is doing, or None; `lenshub plugins` shows it.

        Called every ten seconds and done in a millisecond.
        """
