"""What classifiers answer, in every shape that is about, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.isbn_answer import AnswerError, Guess, StatusError, load_json, read_guesses

BOOKS = ("001.ISBN479804573X", "002.ISBN4537256109", "003.ISBN4839964564")
SURE = [0.001, 0.9987, 0.0003]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "answer",
    [
        SURE,
        [SURE],
        {"prediction": SURE},
        {"predictions": [SURE]},
        {"probabilities": SURE, "version": 3},
        {"statusCode": 200, "body": json.dumps(SURE)},
        {"statusCode": 200, "body": json.dumps({"prediction": SURE}), "headers": {}},
        dict(zip(BOOKS, SURE, strict=True)),
        {"probabilities": dict(zip(BOOKS, SURE, strict=True))},
    ],
)
def test_guesses_are_read_from_every_shape_best_first(answer: Any) -> None:
    assert read_guesses(answer, BOOKS)[:2] == [Guess(BOOKS[1], 0.9987), Guess(BOOKS[0], 0.001)]


def test_guesses_are_read_where_the_path_leads() -> None:
    answer = {"result": [{"prediction": "no"}, {"scores": SURE}]}
    assert read_guesses(answer, BOOKS, "result.1.scores")[0].name == BOOKS[1]
    with pytest.raises(AnswerError, match=r"nothing at `result\.2\.scores`"):
        read_guesses(answer, BOOKS, "result.2.scores")


def test_named_guesses_need_no_classes_and_may_be_the_best_only() -> None:
    assert read_guesses({"ISBN479804573X": 0.6}, None) == [Guess("ISBN479804573X", 0.6)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is empty"),
        (b"<html>", "HTML"),
        (b"ok", "not JSON"),
        (b"[NaN, 0, 1]", "holds NaN"),
        (b"[1e999, 0, 1]", "too large"),
        (b"[" * 500_000, "not JSON"),
        (b"[" + b"9" * 5000 + b"]", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"null", "holds null"),
        (b"0.5", "holds a number"),
        (b"[]", "0 probabilities for 3 classes"),
        (b"[0.5, 0.5]", "2 probabilities for 3 classes"),
        (b'["0.9", "0.05", "0.05"]', "holds a text"),
        (b"[true, false, false]", "true or false"),
        (b"[-0.5, 1, 0.5]", "outside 0 to 1"),
        (b"[0.9, 0.9, 0.9]", "sum to 2.7"),
        (b"[0, 0, 0]", "sum to 0"),
        (b"{}", "no classes"),
        (b'{"cup": 0.5}', "'cup' that is not in `classes`"),
        (b'{"message": "Internal server error"}', "'message' that is not in `classes`"),
        (b'{"statusCode": 200, "body": "<html>"}', "HTML"),
    ],
)
def test_what_cannot_be_used_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        read_guesses(load_json(body), BOOKS)


def test_status_inside_of_an_answer_is_told() -> None:
    with pytest.raises(StatusError, match="statusCode 502"):
        read_guesses({"statusCode": 502, "body": ""}, BOOKS)


def test_list_without_names_asks_for_classes() -> None:
    with pytest.raises(AnswerError, match="set `classes`"):
        read_guesses(SURE, None)


@given(JSON)
def test_any_json_gives_guesses_or_a_reason(answer: Any) -> None:
    try:
        guesses = read_guesses(answer, None)
    except AnswerError:
        return
    assert all(0 <= guess.probability <= 1 and guess.name.isprintable() for guess in guesses)
