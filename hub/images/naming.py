"""Whose event a picture becomes: by its path, or as the instance's table says."""

from __future__ import annotations

import re

from hub.event import DEVICE_PATTERN
from hub.images.settings import Images

_DEVICE = re.compile(DEVICE_PATTERN)


def device_of(path: str, settings: Images) -> str:
    """Return the device that a path or key names with its part `device_part`, else `device`."""
    if settings.device_part is None:
        return settings.device
    folders = path.split("/")[:-1]
    found = folders[settings.device_part - 1] if len(folders) >= settings.device_part else ""
    return found if _DEVICE.fullmatch(found) else settings.device
