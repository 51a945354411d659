"""Says in a few lines what was held back."""

from __future__ import annotations

from hub.plugin import Digest, DigestLine
from plugins.plain_text import defuse

LINES = 10


def describe_digest(digest: Digest) -> tuple[str, str]:
    """Return title and body: a line for each place and label, of those with most events; times in UTC."""
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(digest.rules.items()))
    lines = [_describe(line) for line in digest.lines[:LINES]]
    rest = digest.count - sum(line.count for line in digest.lines[:LINES])
    if rest:
        lines.append(f"and {rest} more")
    events = "event" if digest.count == 1 else "events"
    span = f"{digest.since:%Y-%m-%d %H:%M} to {digest.until:%Y-%m-%d %H:%M} (UTC)"
    return f"{digest.count} {events} held back", "\n".join([f"{span}; {rules}", *lines])


def _describe(line: DigestLine) -> str:
    place = f"{line.device}, camera {line.camera}" if line.camera else line.device
    best = "" if line.best is None else f", at best {line.best:.0%}"
    return f"{defuse(line.label or 'nothing')} on {defuse(place)}: {line.count}{best}"
