"""ISBNs: check digits, conversion between 10 and 13 digits, and reading them out of people's names for books.

Source: ISO 2108; 979-0 is not a book but printed music (ISMN, ISO 10957).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARS = 200
_PREFIX = re.compile(r"(?:e-?)?ISBN(?:-?1[03](?=[\s:]))?\s*:?\s*", re.IGNORECASE)
_FOLDER = re.compile(r"\d+\.(?=\S)")
"""Training folders are numbered: what follows the dot is the class."""
_HYPHENS = re.compile(r"[\s\u00ad\u2010-\u2015\u2212\ufe58\ufe63-]+")
_TEN = re.compile(r"[0-9]{9}[0-9X]")
_THIRTEEN = re.compile(r"[0-9]{13}")


@dataclass(frozen=True, slots=True)
class Isbn:
    """A book's number whose check digit is right.

    `isbn13` has 13 digits; `isbn10` is the same book's older number, None where it begins with 979.
    """

    isbn13: str
    isbn10: str | None


class IsbnError(ValueError):
    """A text is not the number of a book; says why."""


def check_digit_10(body: str) -> str:
    """Return the check digit, 0 to 9 or X, of the first nine digits of an ISBN-10."""
    left = -sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), body, strict=True)) % 11
    return "X" if left == 10 else str(left)


def check_digit_13(body: str) -> str:
    """Return the check digit of the first twelve digits of an EAN-13."""
    return str(-sum((3 if place % 2 else 1) * int(digit) for place, digit in enumerate(body)) % 10)


def to_isbn13(isbn10: str) -> str:
    """Return the ISBN-13 of an ISBN-10."""
    body = "978" + isbn10[:9]
    return body + check_digit_13(body)


def to_isbn10(isbn13: str) -> str | None:
    """Return the ISBN-10 of an ISBN-13; None where there is none: only those with 978 have one."""
    if not isbn13.startswith("978"):
        return None
    return isbn13[3:12] + check_digit_10(isbn13[3:12])


def strip_name(text: str) -> str:
    """Return what a class's or folder's name says of the book: `001.ISBN479804573X` is 479804573X.

    Full-width signs become plain ones, hyphens and spaces go; whether it is an ISBN is not looked at.
    """
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARS]).strip()
    plain = _PREFIX.sub("", _FOLDER.sub("", plain, count=1), count=1)
    return _HYPHENS.sub("", plain).upper()


def parse_isbn(text: str) -> Isbn:
    """Read an ISBN of 10 or 13 digits, with or without hyphens, an `ISBN` before it or a folder's number.

    Raises:
        IsbnError: It has other signs or another length, a wrong check digit, or is not a book's.
    """
    digits = strip_name(text)
    if _TEN.fullmatch(digits):
        _compare(digits, check_digit_10(digits[:9]))
        isbn13 = to_isbn13(digits)
    elif _THIRTEEN.fullmatch(digits):
        isbn13 = _check_book(digits)
    else:
        raise IsbnError("an ISBN has 10 or 13 digits, and an X only as the last of 10")
    return Isbn(isbn13, to_isbn10(isbn13))


def _check_book(digits: str) -> str:
    if digits.startswith("9790"):
        raise IsbnError("979-0 is printed music (ISMN), not a book")
    if not digits.startswith(("978", "979")):
        raise IsbnError("the ISBN of 13 digits begins with 978 or 979")
    _compare(digits, check_digit_13(digits[:12]))
    return digits


def _compare(digits: str, wanted: str) -> None:
    if digits[-1] != wanted:
        raise IsbnError(f"the check digit is {digits[-1]} where {wanted} is right")
