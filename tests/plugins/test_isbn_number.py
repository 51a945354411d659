"""ISBNs, with python-stdnum as the oracle."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import ean, isbn

from plugins.isbn_number import (
    Isbn,
    IsbnError,
    check_digit_10,
    check_digit_13,
    parse_isbn,
    strip_name,
    to_isbn10,
    to_isbn13,
)

NINE = st.text("0123456789", min_size=9, max_size=9)
TWELVE = st.text("0123456789", min_size=12, max_size=12)
NUMBER = st.one_of(
    st.text("0123456789X-", max_size=15),
    NINE.map(lambda body: body + check_digit_10(body)),
    NINE.map(lambda body: "978" + body).map(lambda body: body + check_digit_13(body)),
    NINE.map(lambda body: "979" + body).map(lambda body: body + check_digit_13(body)),
    TWELVE.map(lambda body: body + check_digit_13(body)),
)


@given(NINE)
def test_check_digit_10_is_the_oracles(body: str) -> None:
    assert isbn.is_valid(body + check_digit_10(body))


@given(TWELVE)
def test_check_digit_13_is_the_oracles(body: str) -> None:
    assert check_digit_13(body) == ean.calc_check_digit(body)


@given(NINE)
def test_isbn10_comes_back_when_it_becomes_13_and_10_again(body: str) -> None:
    isbn10 = body + check_digit_10(body)
    assert to_isbn13(isbn10) == isbn.to_isbn13(isbn10)
    assert to_isbn10(to_isbn13(isbn10)) == isbn10


@given(NUMBER)
@example("000000000")
def test_parse_takes_what_the_oracle_takes_except_printed_music_and_sbns(text: str) -> None:
    try:
        found = parse_isbn(text).isbn13
    except IsbnError:
        is_sbn = len(text.replace("-", "")) == 9  # of before 1970; the oracle puts a 0 in front
        is_music = isbn.compact(text).startswith("9790")
        assert is_sbn or is_music or not isbn.is_valid(text)
    else:
        assert found == isbn.to_isbn13(isbn.compact(text))


@given(st.text(max_size=300))
def test_parse_gives_a_book_or_a_reason_for_any_text(text: str) -> None:
    with suppress(IsbnError):
        assert isbn.is_valid(parse_isbn(text).isbn13)


@pytest.mark.parametrize(
    "text",
    [
        "479804573X", "4-7980-4573-x", "ISBN479804573X", "001.ISBN479804573X", "ISBN-10: 4-7980-4573-X",
        "９７８４７９８０４５７３３", "978‐4‐7980‐4573‐3", "ISBN-13 978-4-7980-4573-3",
        " isbn 9784798045733 ", "ＩＳＢＮ４７９８０４５７３Ｘ", "12.9784798045733",
    ],
)  # fmt: skip
def test_parse_reads_a_book_however_it_is_written(text: str) -> None:
    assert parse_isbn(text) == Isbn("9784798045733", "479804573X")


@pytest.mark.parametrize("folder", ["001.ISBN479804573X", "002.ISBN4537256109", "003.ISBN4839964564"])
def test_parse_reads_the_published_training_folders(folder: str) -> None:
    assert parse_isbn(folder).isbn10 == folder.partition(".ISBN")[2]


def test_parse_leaves_out_the_isbn10_where_there_is_none() -> None:
    assert parse_isbn("979-10-90636-07-1") == Isbn("9791090636071", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("4798045739", "the check digit is 9 where X is right"),
        ("9784798045734", "the check digit is 4 where 3 is right"),
        ("979-0-2600-0043-8", "printed music"),
        ("4901234567894", "begins with 978 or 979"),
        ("47980457X3", "10 or 13 digits"),
        ("", "10 or 13 digits"),
        ("cup", "10 or 13 digits"),
        ("९७८४७९८०४५७३३", "10 or 13 digits"),
    ],
)
def test_parse_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(IsbnError, match=reason):
        parse_isbn(text)


@pytest.mark.parametrize("text", ["1" * 1_000_000, "-" * 1_000_000, "ISBN" * 100_000])
def test_parse_refuses_a_long_text(text: str) -> None:
    with pytest.raises(IsbnError):
        parse_isbn(text)


def test_strip_name_leaves_what_is_no_isbn() -> None:
    assert strip_name("004.Wörterbuch") == "WÖRTERBUCH"
