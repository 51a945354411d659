"""What a person calls one place, so that what happens there is limited by itself."""

from __future__ import annotations

from hub.event import Event


def place_of(event: Event) -> str:
    """Return the device and its camera; a camera without a name is its device's only one."""
    return f"{event.device}/{event.camera}" if event.camera else event.device
