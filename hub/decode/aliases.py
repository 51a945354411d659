"""The names that foreign devices go by, and the time zones they stand in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict

from hub.event import DEVICE_PATTERN, DeviceName

_DEVICE = re.compile(DEVICE_PATTERN)


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r} (for example Europe/Berlin)") from error
    return name


ZoneName = Annotated[str, AfterValidator(_check_zone)]


class Alias(BaseModel):
    """What LensHub calls a thing, and the zone of the times it sends (None: the default zone)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: DeviceName
    timezone: ZoneName | None = None


@dataclass(frozen=True, slots=True)
class AliasTable:
    """Foreign names tied to device names."""

    aliases: Mapping[str, Alias]
    default_timezone: ZoneInfo

    def device_of(self, thing: str) -> str | None:
        """Return the device's name: its alias, else its own name, or None where that is not allowed."""
        if alias := self.aliases.get(thing):
            return alias.device
        return thing if _DEVICE.fullmatch(thing) else None

    def zone_of(self, thing: str) -> ZoneInfo:
        """Return the zone of the times a thing sends."""
        alias = self.aliases.get(thing)
        return ZoneInfo(alias.timezone) if alias and alias.timezone else self.default_timezone

    def is_another(self, name: str, device: str) -> bool:
        """Tell whether a name, foreign or ours, belongs to a device other than this one."""
        return any(
            name in (thing, alias.device) and alias.device != device for thing, alias in self.aliases.items()
        )
