"""Opens pictures in the viewer of the desktop, or in the one that $LENSHUB_VIEWER names."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from hub.cli.reviewing.picture import write_numbered
from hub.event import Detection
from hub.review.error import ReviewError

VARIABLE = "LENSHUB_VIEWER"
DEFAULT = "xdg-open"


class Viewer:
    """Shows copies of pictures with their boxes numbered; they are removed at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lenshub-review-")
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def show(self, path: Path, detections: Sequence[Detection]) -> None:
        """Open a picture, and do not wait.

        Raises:
            ReviewError: The picture is gone, or the viewer cannot be started.
        """
        self._shown += 1
        copy = Path(self._folder.name) / f"{self._shown}.png"
        write_numbered(path, detections, copy)
        command = shlex.split(os.environ.get(VARIABLE) or DEFAULT)
        quiet = subprocess.DEVNULL
        try:
            process = subprocess.Popen([*command, copy], stdin=quiet, stdout=quiet, stderr=quiet)
        except OSError as error:
            raise ReviewError(
                f"{command[0]}: cannot be started ({error.strerror}); name a viewer in ${VARIABLE}"
            ) from error
        Thread(target=process.wait, daemon=True).start()  # it stays open for as long as somebody looks
