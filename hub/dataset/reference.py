"""Pictures that a set names in S3 instead of holding them: s3://bucket/key."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Sequence
from shlex import quote

from hub.dataset.sample import Dataset

SCHEME = "s3://"


def is_reference(address: object) -> bool:
    """Whether this is the address of an object in S3."""
    return isinstance(address, str) and address.startswith(SCHEME)


def key_of(address: str) -> str:
    """Return an object's key, which is also where the picture is looked for below the set's folder."""
    return address.removeprefix(SCHEME).partition("/")[2].lstrip("/")


def tell_count(addresses: Sequence[str]) -> str:
    """Return the beginning of what is said of that many pictures."""
    return "1 picture is" if len(addresses) == 1 else f"{len(addresses)} pictures are"


def tell_how_to_fetch(addresses: Iterable[str]) -> str:
    """Return the command that brings pictures to where a set in the working directory looks for them."""
    folders: defaultdict[str, set[str]] = defaultdict(set)
    for address in addresses:
        bucket = address.removeprefix(SCHEME).partition("/")[0]
        folders[bucket].add(posixpath.dirname(key_of(address)))
    commands = []
    for bucket, names in sorted(folders.items()):
        folder = posixpath.commonpath(names)
        commands.append(f"aws s3 sync {quote(f'{SCHEME}{bucket}/{folder}')} {quote(f'./{folder}')}")
    return " && ".join(commands)


def references_in(dataset: Dataset) -> list[str]:
    """Return the addresses of a set's pictures that are in S3."""
    return [sample.reference for sample in dataset.samples if sample.reference]
