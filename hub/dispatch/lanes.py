"""Which delivery waits for which, where an instance wants each device's events one after the other. Pure."""

from __future__ import annotations

from collections import deque


class Lanes:
    """One lane for each device: its first event is the one whose turn it is."""

    def __init__(self) -> None:
        self._lanes: dict[str, deque[int]] = {}
        self._devices: dict[int, str] = {}

    def enter(self, device: str, event_id: int) -> bool:
        """Put an event at the end of its device's lane; return whether it is its turn."""
        if event_id in self._devices:
            return self.first(event_id) == event_id
        lane = self._lanes.setdefault(device, deque())
        lane.append(event_id)
        self._devices[event_id] = device
        return lane[0] == event_id

    def first(self, event_id: int) -> int | None:
        """Return the event whose turn it is in an event's lane."""
        lane = self._lanes.get(self._devices.get(event_id, ""))
        return lane[0] if lane else None

    def behind(self, event_id: int) -> list[int]:
        """Return the events that wait for this one, in order; none unless it is its turn."""
        if self.first(event_id) != event_id:
            return []
        return list(self._lanes[self._devices[event_id]])[1:]

    def leave(self, event_id: int) -> int | None:
        """Take an event out for good; return the one whose turn it is now because of that."""
        device = self._devices.pop(event_id, None)
        if device is None:
            return None
        lane = self._lanes[device]
        was_first = lane[0] == event_id
        lane.remove(event_id)
        if not lane:
            del self._lanes[device]
            return None
        return lane[0] if was_first else None
