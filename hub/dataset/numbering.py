"""The numbers of classes as a set's files say them, gathered from many places."""

from __future__ import annotations

from hub.dataset.folder import UnreadableError


class Numbering:
    """Class names by number; what is said first holds."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}

    def learn(self, number: int, name: str) -> None:
        """Take what one place says; raises UnreadableError (`class_conflict`) where that differs."""
        known = self.names.setdefault(number, name)
        if known != name:
            raise UnreadableError(
                "class_conflict", f"class {number} is {name!r} here and {known!r} elsewhere"
            )

    def name(self, number: int) -> str:
        """Return a class's name; raises UnreadableError (`class_unknown`)."""
        if number not in self.names:
            known = ", ".join(map(str, sorted(self.names)[:20])) or "none"
            raise UnreadableError("class_unknown", f"class {number} has no name (known: {known})")
        return self.names[number]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names in the order of their numbers, each once."""
        return tuple(dict.fromkeys(self.names[number] for number in sorted(self.names)))
