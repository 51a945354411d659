"""Names and patterns of names, as the `match` table lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Annotated

from pydantic import PlainSerializer

from hub.event import Name

Names = Annotated[frozenset[Name], PlainSerializer(sorted, return_type=list[str], when_used="json")]
"""Names of which one must fit; `*` stands for any text, `?` for one character, everything else for itself."""

Fits = Callable[[str], bool]


def compile_names(names: Iterable[str]) -> Fits:
    """Return a function that tells whether a name is one of these, or fits a pattern among them."""
    patterns = [name for name in names if "*" in name or "?" in name]
    plain = frozenset(names).difference(patterns)
    if not patterns:
        return plain.__contains__
    fits = re.compile("|".join(map(_translate, patterns))).match
    return lambda name: name in plain or fits(name) is not None


def _translate(pattern: str) -> str:
    return translate(pattern.replace("[", "[[]"))  # the library's, for it never searches long


def list_names(names: Iterable[str]) -> str:
    """Return the names as a sentence has them: `cat or dog`."""
    return " or ".join(sorted(names))
