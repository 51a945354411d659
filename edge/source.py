"""What a source is: tells cameras, streams, files and folders apart, and opens them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge.outage import Outage
from edge.picture_file import size_fault

if TYPE_CHECKING:
    from edge.config import CameraTable
    from edge.shot import Shot

LOG = logging.getLogger("edge.camera")
STREAMS = frozenset({"rtsp", "rtsps", "http", "https"})


def is_stream(source: str) -> bool:
    """Return whether a source is the URL of a stream."""
    return source.partition("://")[0].lower() in STREAMS and "://" in source


def is_live(source: str) -> bool:
    """Return whether a source gives frames whether or not somebody takes them."""
    return is_stream(source) or is_camera(source)


def is_camera(source: str) -> bool:
    """Return whether a source is a V4L2 device: a number or something below /dev."""
    path = camera_path(source)
    return path.is_char_device() or path.parent == Path("/dev")


def camera_path(source: str) -> Path:
    """Return a source's path; a number is that of a camera."""
    return Path(f"/dev/video{source}" if source.isdecimal() else source)


def name_source(source: str) -> str:
    """Return a source as it may be shown: of a URL only scheme, host and path, for the rest may be secret."""
    if not is_stream(source):
        return source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_source(
    camera: CameraTable,
    stopped: threading.Event,
    trouble: Outage,
    pass_over: Callable[[], None] = lambda: None,
) -> Iterator[Shot]:
    """Yield every frame, one after the other, of what `camera.source` names.

    A camera or stream that fails is reported to `trouble` and opened again, until `stopped`.

    Args:
        camera: What is watched.
        stopped: Ends it.
        trouble: Where a camera is reported that gives no frames.
        pass_over: Called for each frame or picture that cannot be used.

    Raises:
        CameraError: While iterating: the file or folder gives no frames.
    """
    oddity = Outage(LOG, f"camera {name_source(camera.source)}")
    for shot in _take(camera, stopped, trouble, pass_over):
        height, width = shot.pixels.shape[:2]
        if fault := size_fault(width, height):
            oddity.begin(f"a frame {fault}; left out")
            pass_over()
        else:
            oddity.end()
            yield shot


def _take(
    camera: CameraTable, stopped: threading.Event, trouble: Outage, pass_over: Callable[[], None]
) -> Iterator[Shot]:
    from edge.camera import watch, watch_stream
    from edge.playback import play

    source = camera.source
    if is_stream(source):
        return watch_stream(source, camera.every, stopped, trouble)
    if is_camera(source):
        return watch(camera_path(source), camera.every, stopped, trouble)
    return play(Path(source), camera.passes, camera.every, stopped, pace=camera.pace, pass_over=pass_over)
