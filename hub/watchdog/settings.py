"""The `[watchdog]` table of hub.toml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from hub.event import Plain

Seconds = Annotated[float, Field(ge=0.2, le=86_400)]


class WatchdogSettings(Plain):
    """When a plugin that blocks the event loop is named, when held back, and when the hub ends itself."""

    blocked_after_s: Seconds = 1.0
    hold_back_after_s: Seconds = 10.0
    end_after_s: Seconds = 60.0

    @model_validator(mode="after")
    def _in_order(self) -> WatchdogSettings:
        if not self.blocked_after_s <= self.hold_back_after_s <= self.end_after_s:
            raise ValueError("blocked_after_s, hold_back_after_s and end_after_s must follow in this order")
        return self
