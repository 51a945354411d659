"""Reads what classifiers answer: probabilities in any of the shapes that are about. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

MEMBERS = ("prediction", "probabilities", "predictions")
SUM_TOLERANCE = 0.02
KEPT = 10
MAX_DEPTH = 8
MAX_NAME_CHARS = 200


class AnswerError(ValueError):
    """A classifier's answer cannot be used; says what was found."""


class StatusError(AnswerError):
    """The answer carries an HTTP status of its own that is not a success."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it says statusCode {status}")
        self.status = status


class Guess(NamedTuple):
    """A class and its probability, 0..1."""

    name: str
    probability: float


def load_json(body: bytes | str) -> Any:
    """Return strict JSON: without NaN and numbers that no float holds.

    Raises:
        AnswerError: It is none.
    """
    if not body.strip():
        raise AnswerError("it is empty")
    try:
        return json.loads(body, parse_constant=_refuse_number, parse_float=_read_float)
    except AnswerError:
        raise
    except (ValueError, RecursionError) as error:
        start = body[:1] if isinstance(body, str) else body[:1].decode("ascii", "replace")
        raise AnswerError("it is HTML, not JSON" if start == "<" else "it is not JSON") from error


def read_guesses(answer: Any, classes: Sequence[str] | None, path: str | None = None) -> list[Guess]:
    """Return the best guesses of an answer, best first.

    Args:
        answer: A list of probabilities; {"prediction" | "probabilities" | "predictions": [...]}; the body of
            {"statusCode": 200, "body": "..."}; or {name: probability}, perhaps of the best classes only.
        classes: The names, in the model's order; None where the answer has names.
        path: Where the probabilities are, as in `result.scores.0`; None to look for them.

    Raises:
        AnswerError: It is nothing of this, or not probabilities of these classes.
    """
    found = _find(answer, path)
    if isinstance(found, dict):
        guesses = _read_named(found, classes)
    elif isinstance(found, list):
        guesses = _read_list(found, classes)
    else:
        raise AnswerError(f"it holds {_kind(found)} where a list of probabilities should be")
    return sorted(guesses, key=lambda guess: -guess.probability)[:KEPT]


def _find(answer: Any, path: str | None) -> Any:
    answer = _unwrap(answer)
    if path is not None:
        return _follow(answer, path)
    for _ in range(MAX_DEPTH):
        inner = _step_in(answer)
        if inner is answer:
            break
        answer = inner
    return answer


def _unwrap(answer: Any) -> Any:
    """Return the body of an answer that API Gateway would have unpacked."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return answer
    status, body = answer["statusCode"], answer.get("body")
    if not isinstance(status, int) or not 200 <= status < 300:
        raise StatusError(status if isinstance(status, int) else 500)
    return load_json(body) if isinstance(body, str) else body


def _step_in(answer: Any) -> Any:
    if isinstance(answer, dict):
        member = next((name for name in MEMBERS if isinstance(answer.get(name), list | dict)), None)
        return answer if member is None else answer[member]
    if isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], list | dict):
        return answer[0]  # a batch of one
    return answer


def _follow(answer: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(answer, dict) and part in answer:
            answer = answer[part]
        elif isinstance(answer, list) and part.isdecimal() and int(part) < len(answer):
            answer = answer[int(part)]
        else:
            raise AnswerError(f"it has nothing at `{path}`")
    return answer


def _read_list(found: list[Any], classes: Sequence[str] | None) -> list[Guess]:
    if classes is None:
        raise AnswerError("it has no names of classes (set `classes`)")
    if len(found) != len(classes):
        raise AnswerError(f"it has {len(found)} probabilities for {len(classes)} classes")
    values = [_read_probability(value) for value in found]
    if abs(math.fsum(values) - 1) > SUM_TOLERANCE:
        raise AnswerError(f"its probabilities sum to {math.fsum(values):.3g}, not 1")
    return [Guess(name, value) for name, value in zip(classes, values, strict=True)]


def _read_named(found: dict[str, Any], classes: Sequence[str] | None) -> list[Guess]:
    """Read {name: probability}; it may leave classes out, so that its sum may be less than 1."""
    if not found:
        raise AnswerError("it has no classes")
    guesses = [Guess(_read_name(name, classes), _read_probability(value)) for name, value in found.items()]
    if (total := math.fsum(guess.probability for guess in guesses)) > 1 + SUM_TOLERANCE:
        raise AnswerError(f"its probabilities sum to {total:.3g}, more than 1")
    return guesses


def _read_name(name: str, classes: Sequence[str] | None) -> str:
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise AnswerError("a class of it has no printable name")
    if classes is not None and name not in classes:
        raise AnswerError(f"it names a class {name[:40]!r} that is not in `classes`")
    return name


def _read_probability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AnswerError(f"it holds {_kind(value)} where a probability should be")
    if not 0 <= value <= 1:
        raise AnswerError("it holds a number outside 0 to 1")
    return float(value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _refuse_number(text: str) -> Any:
    raise AnswerError(f"it holds {text}")


def _read_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise AnswerError("it holds a number that is too large")
    return value
