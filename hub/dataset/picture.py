"""What a picture's header says: size, channels, and what training programs stumble over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.dataset.folder import UnreadableError
from hub.decode.limits import Limits
from hub.decode.picture import measure_picture
from hub.errors import PayloadError
from hub.wire.exif import turned
from hub.wire.jpeg import read_jpeg
from hub.wire.png import SIGNATURE

LIMITS = Limits(max_picture_bytes=2**28, max_picture_pixels=2**28)
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # of PNG's colour types; 3 is a palette of colours


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG or PNG of width x height pixels as stored; `oddities` are texts for people."""

    path: Path
    width: int
    height: int
    depth: int
    orientation: int = 1
    oddities: tuple[str, ...] = ()

    @property
    def upright(self) -> tuple[int, int]:
        """The size with the EXIF orientation applied."""
        return turned(self.width, self.height, self.orientation)


def look_at(path: Path) -> Picture:
    """Return what a picture's header says.

    Raises:
        UnreadableError: `picture_unreadable`: no JPEG or PNG, cut off, animated, or of too many pixels.
    """
    try:
        data = path.read_bytes()
        found = measure_picture(data, LIMITS)
    except OSError as error:
        raise UnreadableError("picture_unreadable", str(error.strerror)) from error
    except PayloadError as error:
        raise UnreadableError("picture_unreadable", f"{error.code}: {error.reason}") from error
    depth, oddities = _read_depth(data)
    if found.orientation != 1:
        oddities = (*oddities, f"EXIF turns it (orientation {found.orientation}); many programs do not")
    width, height = turned(found.width, found.height, found.orientation)  # back to as stored
    return Picture(path, width, height, depth, found.orientation, oddities)


def _read_depth(data: bytes) -> tuple[int, tuple[str, ...]]:
    """Return channels and oddities of a picture that was measured."""
    if data.startswith(SIGNATURE):
        bits, colours = data[24], data[25]
        depth = _CHANNELS.get(colours, 3)
        said = [f"{bits} bits a sample"] if bits == 16 else []
    else:
        header = read_jpeg(data)
        depth, said = (header.components if header else 3), []
    kinds = {1: "grey", 2: "grey with alpha", 4: "has an alpha channel"}
    if depth in kinds:
        said.append(kinds[depth] if data.startswith(SIGNATURE) or depth == 1 else "CMYK")
    return depth, tuple(said)
