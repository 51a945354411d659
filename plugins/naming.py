"""Names of the files that plugins write: from the event alone, so that writing twice gives the same name."""

from __future__ import annotations

import re

from hub.event import DEVICE_PATTERN, Event

TIME_FORMAT = "%Y%m%d-%H%M%S"  # the published system's
_DEVICE = re.compile(DEVICE_PATTERN)


def file_stem(event: Event) -> str:
    """Return `<device>_<time>_<event id>`: time captured in UTC; the id tells events of one second apart.

    Raises:
        ValueError: The device is not a device name, which could leave the folder.
    """
    if not _DEVICE.fullmatch(event.device):
        raise ValueError(f"not a device name: {event.device!r}")
    return f"{event.device}_{event.captured_at:{TIME_FORMAT}}_{event.id}"


def day_folder(event: Event) -> str:
    """Return `<year>/<month>/<day>/<device>` of an event, in UTC."""
    moment = event.captured_at
    return f"{moment.year:04d}/{moment.month:02d}/{moment.day:02d}/{event.device}"
