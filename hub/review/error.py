"""What a reviewer asks for that cannot be."""

from __future__ import annotations

from hub.errors import HubError


class ReviewError(HubError):
    """A verdict, a box or a name cannot be taken; nothing was changed."""


class HeldError(ReviewError):
    """Somebody else has the event before him."""
