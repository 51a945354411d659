"""A proxy in front of an S3 server that fails in the ways that networks and stores do."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Fault:
    """What is done to the next `times` requests of a method whose head holds `holding`.

    `kind` is one of
        throttle, deny, error_in_200, unsupported: answered here; the server never sees the request
        stall: never answered
        drop_request: the connection ends when half of the request was read
        drop_answer: served, but the connection ends half way through the answer
        lose_answer: served, but the connection ends before the answer
    """

    def __init__(self, kind: str, method: str, holding: str, times: int) -> None:
        self.kind = kind
        self.method = method
        self.holding = holding
        self.times = times


ANSWERS = {
    "throttle": ("503 Slow Down", "SlowDown"),
    "deny": ("403 Forbidden", "AccessDenied"),
    "error_in_200": ("200 OK", "InternalError"),
    "unsupported": ("501 Not Implemented", "NotImplemented"),
}


class FaultyS3:
    """Speaks HTTP/1.1, one request a connection; `requests` and `heads` are of what came."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._upstream = (parts.hostname, parts.port)
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.heads: list[str] = []
        self.in_flight = self.most_in_flight = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        with suppress(AttributeError):  # Python 3.13
            self._server.close_clients()

    def fail(self, kind: str, method: str, holding: str = "", times: int = 10_000) -> None:
        """Do this to requests from now on."""
        self.faults.append(Fault(kind, method, holding, times))

    def _next_fault(self, head: str) -> str:
        for fault in self.faults:
            if fault.times and head.startswith(fault.method) and fault.holding.lower() in head.lower():
                fault.times -= 1
                return fault.kind
        return ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            self.in_flight -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.requests.append(head.split(" HTTP/")[0])
        self.heads.append(head)
        fault = self._next_fault(head)
        length = _length_of(head)
        if "100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault == "drop_request":
            await reader.readexactly(length // 2)
            return
        body = await reader.readexactly(length)
        if fault == "stall":
            await reader.read()  # until the client gives up
        elif fault in ANSWERS:
            writer.write(_error(*ANSWERS[fault]))
        else:
            answer = await self._ask(head, body)
            writer.write({"lose_answer": b"", "drop_answer": answer[: _middle(answer)]}.get(fault, answer))
        await writer.drain()

    async def _ask(self, head: str, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        kept = [line for line in head.split("\r\n") if line and not _is_of_connection(line)]
        try:
            writer.write(("\r\n".join([*kept, "Connection: close"]) + "\r\n\r\n").encode("latin-1") + body)
            return await reader.read()
        finally:
            writer.close()


def _is_of_connection(line: str) -> bool:
    return line.lower().startswith(("connection:", "expect:"))


def _length_of(head: str) -> int:
    lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    return int(lengths[0].split(":")[1]) if lengths else 0


def _middle(answer: bytes) -> int:
    """Return a place in the body, or in the head of an answer that has none."""
    begins = answer.index(b"\r\n\r\n") + 4
    return (begins + len(answer)) // 2 if len(answer) > begins + 1 else begins // 2


def _error(status: str, code: str) -> bytes:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode()
    return f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
