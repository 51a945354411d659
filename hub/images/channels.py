"""The channels that an instance's `images` table asks for."""

from __future__ import annotations

from pathlib import Path

from hub.images.desk import Desk
from hub.images.folder import FolderChannel
from hub.images.offer import Channel
from hub.images.queue import QueueChannel
from hub.images.uploads import UploadChannel

UPLOADS = "uploads"


def make_channels(desk: Desk, data_dir: Path) -> list[Channel]:
    """Return them; relative folders are below `data_dir`."""
    settings = desk.settings
    found: list[Channel] = []
    if settings.folder is not None:
        found.append(FolderChannel(desk.name, data_dir / settings.folder, settings, lambda: desk.limits))
    if settings.sqs is not None:
        found.append(QueueChannel(desk.name, settings, lambda: desk.limits.max_picture_bytes))
    if settings.upload:
        found.append(UploadChannel(desk.name, data_dir / UPLOADS / desk.name))
    return found
