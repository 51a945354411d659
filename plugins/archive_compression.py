"""Compresses batches, the same bytes for the same content, and reads them back within limits."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Mapping
from typing import Literal

Compression = Literal["gzip", "zstd"]
SUFFIXES: Mapping[Compression, str] = {"gzip": "jsonl.gz", "zstd": "jsonl.zst"}
MAX_BYTES = 256 * 1024 * 1024
"""Of one batch, unpacked: 10,000 records of 25 kB."""
GZIP_LEVEL = 6


def compress(data: bytes, how: Compression) -> bytes:
    """Return a batch's bytes; no time and no name go into them."""
    if how == "gzip":
        return gzip.compress(data, GZIP_LEVEL, mtime=0)
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data)


def decompress(data: bytes, how: Compression) -> bytes:
    """Return what was compressed.

    Raises:
        ValueError: It is not what it should be, ends early, or unpacks to more than MAX_BYTES.
    """
    found, ended = _gunzip(data) if how == "gzip" else _unzstd(data)
    if not ended:
        raise ValueError(f"ends early, or unpacks to more than {MAX_BYTES} bytes")
    return found


def _gunzip(data: bytes) -> tuple[bytes, bool]:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        return unpacking.decompress(data, MAX_BYTES), unpacking.eof
    except zlib.error as error:
        raise ValueError(f"is not gzip: {error}") from error


def _unzstd(data: bytes) -> tuple[bytes, bool]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    unpacking = zstd.ZstdDecompressor()
    try:
        return unpacking.decompress(data, MAX_BYTES), unpacking.eof
    except zstd.ZstdError as error:
        raise ValueError(f"is not zstd: {error}") from error
