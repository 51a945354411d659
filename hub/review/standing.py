"""Which word stands on an event. Pure: what reviewers said in, what the event is to say out.

- One reviewer's word stands; a later word of the same reviewer takes its place.
- A second reviewer's word that says the same leaves the first one standing: they agree.
- One that says otherwise makes the event disputed: it is as it was before anybody spoke, until a further
  word, of whomever, settles it.
- A word that settled it stands, whatever others say later.
What was taken back was never said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hub.event import Detection
from hub.review.geometry import pair_up
from hub.store.reviews import SKIPPED, Word
from hub.verdicts import REJECTED

State = Literal["open", "reviewed", "agreed", "disputed", "settled"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of an event: the word, None where none does, and all the words that count, in order."""

    state: State = "open"
    word: Word | None = None
    words: tuple[Word, ...] = ()

    def wants_more(self, *, for_two: bool) -> bool:
        """Whether it is still in the queue, where other than disputed events are."""
        return self.state == "open" or (self.state == "reviewed" and for_two)


def find_standing(said: Sequence[Word], found: tuple[Detection, ...], same_box: float) -> Standing:
    """Return what stands of all that was said of an event, in order.

    Args:
        found: The detections before anybody spoke.
        same_box: The overlap from which on two boxes are of the same thing.
    """
    standing = Standing()
    for word in said:
        if word.undone_at is None and word.verdict != SKIPPED:
            standing = _hear(standing, word, found, same_box)
    return standing


def _hear(before: Standing, word: Word, found: tuple[Detection, ...], same_box: float) -> Standing:
    words = (*before.words, word)
    if before.state == "settled" and before.word is not None:
        last = word if word.reviewer == before.word.reviewer else before.word
        return Standing("settled", last, words)
    if before.state == "disputed":
        return Standing("settled", word, words)
    others = [one for one in before.words if one.reviewer != word.reviewer]
    if not others:
        return Standing("reviewed", word, (word,))
    other = others[0]
    if is_same_word(other, word, found, same_box):
        return Standing("agreed", other, (other, word))
    return Standing("disputed", None, (other, word))


def is_same_word(one: Word, other: Word, found: tuple[Detection, ...], same_box: float) -> bool:
    """Whether two reviewers say the same: both reject, or both leave the same things with the same labels."""
    if REJECTED in (one.verdict, other.verdict):
        return one.verdict == other.verdict
    pairs = pair_up(outcome_of(one, found), outcome_of(other, found), same_box)
    return all(pair.is_same for pair in pairs)


def outcome_of(word: Word, found: tuple[Detection, ...]) -> tuple[Detection, ...]:
    """Return the detections that a word leaves."""
    return found if word.detections is None else word.detections
