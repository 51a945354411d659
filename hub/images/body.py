"""Reads the picture out of a request, raw or out of a form, and not more of it than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from hub.authored import text_of
from hub.images.answers import Wrong

READ_S = 120.0
MOST_PARTS = 20
MAX_NAME_CHARS = 200
UNREADABLE = (
    ValueError,
    LookupError,
    RuntimeError,
    AssertionError,
    HttpProcessingError,
    web.RequestPayloadError,
)
"""What aiohttp raises of a body that is not what its headers say, and of the headers of a form's parts."""


async def read_body(request: web.Request, most: int) -> tuple[bytes, str]:
    """Return a picture's bytes and its name, which may be empty.

    Raises:
        Wrong: It is too large, too slow, cut off or unreadable, or there is none.
    """
    is_form = request.content_type.startswith("multipart/")
    if request.content_length is not None and request.content_length > most + 65_536:
        raise _too_large(most)
    try:
        async with asyncio.timeout(READ_S):
            if is_form:
                return await _read_form(request, most)
            return await _read_at_most(request.content.readany, most), request.query.get("name", "")
    except TimeoutError as error:
        raise Wrong(408, "too_slow", f"the picture did not arrive within {READ_S:g} s") from error
    except ConnectionError as error:
        raise Wrong(400, "bad_body", "the sender hung up before the end of the picture") from error
    except UNREADABLE as error:
        request.content.feed_eof()  # or aiohttp reads on, to what was raised here
        what, code = ("form", "bad_form") if is_form else ("body", "bad_body")
        raise Wrong(400, code, f"the {what} cannot be read: {text_of(error)}", Connection="close") from error


async def _read_form(request: web.Request, most: int) -> tuple[bytes, str]:
    """Return the one part that is a file, or is called image or file."""
    reader, found = await request.multipart(), None
    for _ in range(MOST_PARTS):
        part = await reader.next()
        if part is None:
            if found is None:
                break
            return found
        if isinstance(part, MultipartReader):
            continue
        if part.filename or part.name in {"image", "file"}:
            if found is not None:
                raise Wrong(400, "two_pictures", "the form has two files; send one picture a request")
            data = await _read_at_most(_chunks_of(part), most)
            found = data, request.query.get("name", "") or part.filename or ""
    if found is not None:
        raise Wrong(400, "bad_form", f"the form has more than {MOST_PARTS} parts")
    raise Wrong(400, "no_picture", "the form has no file; send the picture as a part called image")


def _chunks_of(part: BodyPartReader) -> Callable[[], Awaitable[bytes]]:
    return lambda: part.read_chunk(65_536)


async def _read_at_most(read: Callable[[], Awaitable[bytes]], most: int) -> bytes:
    chunks, size = [], 0
    while chunk := await read():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(most: int) -> Wrong:
    return Wrong(413, "picture_too_large", f"more than {most} bytes", Connection="close")
