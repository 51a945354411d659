"""Asks a stream's server for a sign of life, before FFmpeg is let to it.

OpenCV opens one FFmpeg source at a time in a process: while it waits for a server that takes the connection
and says nothing, no other camera could be opened (github.com/opencv/opencv/issues/17057).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

KNOCK_S = 5.0
LOOK_S = 0.2  # how often to see whether it shall stop
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def knock(url: str, stopped: threading.Event) -> str | None:
    """Return why a stream's server gives no sign of life, or None if it does. Sends it no credentials.

    Args:
        url: Of an RTSP or HTTP stream.
        stopped: Ends the waiting.
    """
    parts = urlsplit(url)
    try:
        address = parts.hostname or "", parts.port or PORTS[parts.scheme]
        connection = socket.create_connection(address, KNOCK_S)
    except OSError as error:
        return f"it cannot be reached: {error.strerror or 'no answer'}"
    try:
        with _secure(connection, parts) as speaking:
            if _answers(speaking, _write_request(parts), stopped):
                return None
    except TimeoutError:
        pass
    except OSError:
        return None  # it hangs up on us, but may still serve FFmpeg
    return f"it does not answer within {KNOCK_S:g} s"


def _secure(connection: socket.socket, parts: SplitResult) -> socket.socket:
    """Return the connection, in TLS if the scheme says so; as FFmpeg, without asking who is there."""
    if parts.scheme not in {"rtsps", "https"}:
        return connection
    context = ssl.create_default_context()
    context.check_hostname = False  # a camera signs its own certificate
    context.verify_mode = ssl.CERT_NONE
    with connection:  # closed if the handshake fails
        return context.wrap_socket(connection, server_hostname=parts.hostname)


def _answers(connection: socket.socket, request: bytes, stopped: threading.Event) -> bool:
    """Send a request and return whether anything comes back before the time is over, or it is stopped."""
    connection.sendall(request)
    connection.settimeout(LOOK_S)
    deadline = time.monotonic() + KNOCK_S
    while not stopped.is_set() and time.monotonic() < deadline:
        with suppress(TimeoutError):
            connection.recv(1)
            return True
    return False


def _write_request(parts: SplitResult) -> bytes:
    host = parts.netloc.rpartition("@")[2]
    path = parts.path or "/"
    if parts.scheme in {"rtsp", "rtsps"}:
        return f"OPTIONS {parts.scheme}://{host}{path} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()
    return f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
