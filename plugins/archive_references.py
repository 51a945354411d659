"""Where an archive's bucket holds the frames of events, seen to be there with the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.errors import DeliveryError
from hub.plugin import DeliverySignal
from plugins.s3_bucket import Bucket

AT_A_TIME = 32


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event's frame, and the keys under which it may have been archived."""

    event_id: int
    digest: str
    keys: tuple[str, ...]


async def find_pictures(
    bucket: Bucket, wanted: Sequence[Wanted], tell: Callable[[int, int], None]
) -> dict[int, str]:
    """Return the addresses (s3://bucket/key) of frames, by event; those that are not there have none.

    Raises:
        DeliveryError: The store refuses, or cannot be reached.
    """
    found: dict[int, str] = {}
    async with bucket:
        for start in range(0, len(wanted), AT_A_TIME):
            tell(start, len(wanted))
            part = wanted[start : start + AT_A_TIME]
            answers = await asyncio.gather(*(_find(bucket, one) for one in part), return_exceptions=True)
            for one, answer in zip(part, answers, strict=True):
                if isinstance(answer, DeliverySignal):
                    raise DeliveryError(str(answer)) from answer
                if isinstance(answer, BaseException):
                    raise answer
                if answer is not None:
                    found[one.event_id] = bucket.address(answer)
    return found


async def _find(bucket: Bucket, wanted: Wanted) -> str | None:
    for key in wanted.keys:
        if await _digest(bucket, key) == wanted.digest:
            return key
    return None


async def _digest(bucket: Bucket, key: str) -> str | None:
    """Return the SHA-256 that was kept with an object, else that of its bytes; None where there is none."""
    if known := await bucket.sha256(key):
        return known
    data = await bucket.read(key)
    return None if data is None else hashlib.sha256(data).hexdigest()
