"""Reviewers' names and notes: they are written into events and shown to others."""

from __future__ import annotations

import getpass
import re
from unicodedata import category, normalize

from hub.decode.printing import quote
from hub.review.error import ReviewError

MOST_CHARS = 64
MOST_NOTE_CHARS = 500
_NAME = re.compile(r"\w[\w .@+-]*")


def check_reviewer(name: str) -> str:
    """Return a reviewer's name as it is kept.

    Raises:
        ReviewError: It is empty, too long, or has signs that names do not have.
    """
    plain = normalize("NFC", name.strip())
    if not _NAME.fullmatch(plain) or len(plain) > MOST_CHARS or not plain.isprintable():
        raise ReviewError(
            f"reviewer {quote(name)}: a name has 1 to {MOST_CHARS} letters, digits, spaces and . @ + - _, "
            "and begins with a letter or digit; choose one with --as NAME"
        )
    return plain


def find_login() -> str:
    """Return the name under which this user is logged in, as a reviewer's.

    Raises:
        ReviewError: There is none, or it is no reviewer's name.
    """
    try:
        return check_reviewer(getpass.getuser())
    except (OSError, KeyError) as error:
        raise ReviewError("this user has no login name; say who reviews with --as NAME") from error


def check_note(note: str) -> str:
    """Return a note as it is kept: one line.

    Raises:
        ReviewError: It is too long, or has signs that cannot be kept.
    """
    plain = " ".join(note.split())
    hidden = [sign for sign in plain if category(sign) in {"Cc", "Cs", "Cn", "Co"}]
    if len(plain) > MOST_NOTE_CHARS or hidden:
        raise ReviewError(f"note: at most {MOST_NOTE_CHARS} signs that can be printed, found {quote(note)}")
    return plain
