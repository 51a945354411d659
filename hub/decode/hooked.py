"""A decoder that a plugin brings, made to answer for any message and to return nothing unchecked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from hub.authored import in_words
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Message, Status
from hub.decode.picture import check_picture, describe_picture
from hub.decode.printing import show
from hub.errors import PayloadError
from hub.event import DEVICE_PATTERN, Event, NewEvent

SLOW_S = 0.1
"""Longer than this one call holds up every other message noticeably."""
MAX_STATUS_CHARS = 2000
RESERVED_KEYS = "edge:"
_DEVICE = re.compile(DEVICE_PATTERN)
_OUR_OWN = ("position", "hello", "gap", "image_link", "about", "error")


class HookedDecoder:
    """Calls one instance's `decode`; counts what it could not do, for `lenshub plugins`.

    Args:
        name: The instance's name.
        decode: The author's function.
        limits: Returns what is refused unread, as it is now.
        clock: Seconds, monotonic.
    """

    name = "decode"

    def __init__(
        self,
        plugin: str,
        decode: Callable[[Message], object],
        limits: Callable[[], Limits],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._plugin = plugin
        self._clock = clock
        self._decode = decode
        self._limits = limits
        self._read = self._failed = 0
        self._last = self._slowest = ""
        self._slowest_s = SLOW_S

    def __call__(self, message: Message) -> Decoded:
        """Return what the author's function makes of a message.

        Raises:
            PayloadError: The author's own, `too_large`, one of the codes of pictures, or `decoder_failed`.
        """
        self._check_size(message)
        began = self._clock()
        self._read += 1
        try:
            return _check(self._decode(message), self._limits())
        except PayloadError:
            raise
        except BaseException as error:
            self._failed += 1
            self._last = show(in_words(error))
            text = f"plugin {self._plugin}: {self._last}; see what it does with `lenshub decode`"
            raise PayloadError("decoder_failed", text) from error
        finally:
            self._time(self._clock() - began)

    def report(self) -> tuple[bool, str]:
        """Return whether all is well, and what to say."""
        said = [f"{self._failed} of {self._read} messages failed, last: {self._last}"] if self._failed else []
        said += [self._slowest] if self._slowest else []
        return not said, "; ".join(said)

    def _check_size(self, message: Message) -> None:
        limits = self._limits()
        most = limits.max_event_bytes + limits.max_picture_bytes + 1
        if len(message.payload) > most:
            raise PayloadError("too_large", f"{len(message.payload)} bytes; at most {most} with its picture")

    def _time(self, took_s: float) -> None:
        if took_s > self._slowest_s:
            self._slowest_s = took_s
            self._slowest = f"decode took {took_s:.1f} s for one message; every other message waited"


def _check(found: object, limits: Limits) -> Decoded:
    """Return what a decoder made of a message, with its picture described.

    Raises:
        TypeError, ValueError: It is not what `decode` may return.
        PayloadError: Its picture is refused.
    """
    if not isinstance(found, Decoded):
        raise TypeError(f"decode returned {type(found).__name__}, not Decoded")
    for name in _OUR_OWN:
        if getattr(found, name) is not None:
            raise ValueError(f"decode set {name}, which is not for plugins (raise PayloadError to refuse)")
    events = tuple(_check_event(event) for event in found.events)
    statuses = tuple(_check_status(status) for status in found.statuses)
    device = _one_device([*(e.device for e in events), *(s.device for s in statuses)], found.device)
    events = _with_frame(events, found.picture, limits)
    return replace(found, events=events, statuses=statuses, device=device)


def _check_event(event: object) -> NewEvent:
    if not isinstance(event, NewEvent) or isinstance(event, Event):
        raise TypeError(f"decode returned {type(event).__name__} among its events, not NewEvent")
    if event.kind != "event":
        raise ValueError(f"decode returned an event of kind {event.kind!r}; plugins make kind 'event' only")
    if event.key is not None and event.key.startswith(RESERVED_KEYS):
        raise ValueError(f"decode returned the key {event.key!r}; {RESERVED_KEYS!r} begins the agents' own")
    return event


def _check_status(status: object) -> Status:
    if not isinstance(status, Status):
        raise TypeError(f"decode returned {type(status).__name__} among its statuses, not Status")
    if status.at.tzinfo is None:
        raise ValueError("decode returned a status whose time `at` has no zone")
    return status.model_copy(update={"text": show(status.text, MAX_STATUS_CHARS)})


def _one_device(named: list[str], device: str | None) -> str | None:
    names = {*named, *([device] if device is not None else [])}
    if len(names) > 1:
        raise ValueError(f"decode returned several devices for one message: {', '.join(sorted(names))}")
    for name in names:
        if not _DEVICE.fullmatch(name):
            raise ValueError(f"decode returned {name!r}, which cannot be a device's name")
    return names.pop() if names else None


def _with_frame(events: tuple[NewEvent, ...], picture: bytes | None, limits: Limits) -> tuple[NewEvent, ...]:
    if picture is not None and not isinstance(picture, bytes):
        raise TypeError(f"decode returned {type(picture).__name__} as the picture, not bytes")
    if picture is not None and not events:
        raise ValueError("decode returned a picture without an event that it belongs to")
    for event in events[1:]:
        check_picture(event.frame, None, limits)
    if not events:
        return ()
    first = events[0]
    if picture is not None and first.frame is None:
        first = first.model_copy(update={"frame": describe_picture(picture, limits)})
    else:
        check_picture(first.frame, picture, limits)
    return first, *events[1:]
