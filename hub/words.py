"""Counts and money as people read them."""

from __future__ import annotations


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun, such as 1 picture, or 1,200 pictures."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def as_usd(amount: float) -> str:
    """Return money to the cent; of less than a dollar also what a single call costs."""
    return f"{amount:,.2f}" if amount >= 1 or amount == 0 else f"{amount:.4f}"
