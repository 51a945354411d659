"""Chooses which events are captured: asks every strategy that is set, and the hub for a place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hub.draw.threads import work_on_picture
from hub.event import Event
from hub.plugin import Captured, Delivery, Reject, Skip, StoredFrame
from hub.verdicts import is_judged
from plugins.capture_settings import STRATEGIES, CaptureSettings
from plugins.capture_strategies import (
    Wanted,
    of_device,
    want_confident,
    want_disagree,
    want_near_threshold,
    want_negative,
    want_random,
    want_rare,
    want_rejected,
)

NOT_WANTED = "no strategy wants it"
REVIEWED = "a person has reviewed it"


def hash_frame(data: bytes) -> bytes:
    """Return a picture's hash. Blocks; call it in a thread.

    Raises:
        Reject: The bytes are no picture.
    """
    from hub.dataset.likeness import hash_bytes

    found = hash_bytes(data)
    if found is None:
        raise Reject(f"the frame is no picture: cannot decode {len(data)} bytes as a picture")
    return found


@dataclass(frozen=True, slots=True)
class Sampler:
    """The strategies, limits and rules of one instance."""

    settings: CaptureSettings

    async def choose(self, event: Event, frame: StoredFrame, delivery: Delivery) -> Captured:
        """Capture an event, or return how an earlier attempt captured it.

        Raises:
            Skip: No strategy wants it, or one does and a limit or an earlier capture stands in the way.
            Reject: The frame is no picture, or gone.
        """
        earlier = await delivery.captured()
        if earlier is not None:
            return earlier
        if is_judged(event.attributes):
            raise Skip(REVIEWED)
        picture = _Picture(frame)
        wanted = [*self._look(event), *await self._look_up(event, picture, delivery)]
        if not wanted:
            raise Skip(NOT_WANTED)
        wanted.sort(key=lambda one: STRATEGIES.index(one.reason))
        duplicates = self.settings.duplicates
        return await delivery.capture(
            [one.reason for one in wanted],
            score=round(max(one.score for one in wanted), 6),
            label=wanted[0].label,
            likeness=await picture.hash(),
            limits=self.settings.all_limits,
            near_bits=duplicates.bits,
            near_among=duplicates.among,
        )

    def _look(self, event: Event) -> list[Wanted]:
        """Ask the strategies that need nothing but the event."""
        settings = self.settings
        found = (
            settings.confident and want_confident(settings.confident, event),
            settings.near_threshold
            and want_near_threshold(settings.near_threshold, event, settings.threshold),
            settings.negative and want_negative(settings.negative, event, settings.threshold),
            settings.random and want_random(settings.random, event),
        )
        return [one for one in found if one]

    async def _look_up(self, event: Event, picture: _Picture, delivery: Delivery) -> list[Wanted]:
        """Ask the strategies that need to know what else was seen or said."""
        settings, recall = self.settings, delivery.recall
        found: list[Wanted | None] = []
        if settings.rare and event.detections:
            shares = await recall.label_shares(event, among=settings.rare.among)
            found.append(want_rare(settings.rare, shares))
        if settings.disagree:
            found.append(want_disagree(settings.disagree, event, await recall.same_frame(event)))
        if settings.rejected:
            # Not from now on: a later attempt is to see what this one saw.
            since = event.received_at - timedelta(days=settings.rejected.days)
            rejected = of_device(event, await recall.rejected(since=since))
            if rejected:
                found.append(want_rejected(settings.rejected, event, await picture.hash(), rejected))
        return [one for one in found if one is not None]


class _Picture:
    """An event's picture, read and hashed once, if at all."""

    def __init__(self, frame: StoredFrame) -> None:
        self._frame = frame
        self._hash: bytes | None = None

    async def hash(self) -> bytes:
        if self._hash is None:
            self._hash = await work_on_picture(hash_frame, await self._frame.read())
        return self._hash
