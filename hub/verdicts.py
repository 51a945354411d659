"""What a verdict leaves in an event: its attributes, and which of their values are a person's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REVIEW = "review"
ACCEPTED, CORRECTED, REJECTED = "accepted", "corrected", "rejected"
DISPUTED, OPEN = "disputed", "open"
JUDGED = frozenset({ACCEPTED, CORRECTED, REJECTED, DISPUTED})
REVIEWED_BY, REVIEWED_AT, REVIEW_NOTE, CHOSEN = "reviewed_by", "reviewed_at", "review_note", "chosen"
WORDS = (REVIEW, REVIEWED_BY, REVIEWED_AT, REVIEW_NOTE, CHOSEN)

_RESERVED = frozenset(WORDS)


def is_judged(attributes: Mapping[str, Any]) -> bool:
    """Whether a person's word stands on an event; some devices have a `review` of their own."""
    return word_of(attributes) in JUDGED


def word_of(attributes: Mapping[str, Any]) -> str | None:
    """Return what an event's `review` says, if that is a word at all."""
    word = attributes.get(REVIEW)
    return word if isinstance(word, str) else None


def pick_words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what reviewers said, of an event's attributes."""
    return {name: attributes[name] for name in WORDS if name in attributes}


def drop_words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's attributes without what reviewers said."""
    return {name: value for name, value in attributes.items() if name not in WORDS}


def drop_claims(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a sender says without what only a reviewer can say; a `review` of its own kind stays."""
    if _RESERVED.isdisjoint(attributes):
        return attributes
    is_claim = REVIEW not in attributes or word_of(attributes) in JUDGED | {OPEN}
    kept = {} if is_claim else {REVIEW: attributes[REVIEW]}
    return drop_words(attributes) | kept
