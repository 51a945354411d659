"""The function's own process: `python -m edge.deeplens.child SOCKET`, started by the supervisor."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from edge.deeplens.artifacts import Artifacts
from edge.deeplens.channel import Channel
from edge.deeplens.loading import Loader
from edge.deeplens.modules import offer
from edge.deeplens.repair import gone
from edge.deeplens.repair.source import SourceError
from edge.deeplens.stream import Stream

PR_SET_PDEATHSIG = 1
EXIT_CRASHED = 1
EXIT_UNREADABLE = 3


class Running:
    """One run of a function.

    Args:
        channel: The line to the supervisor.
        settings: What the supervisor said first.
    """

    def __init__(self, channel: Channel, settings: dict[str, Any]) -> None:
        self._channel = channel
        self._path = Path(settings["function"])
        self._source = str(settings["source"])
        self._crashed = False
        artifacts = Artifacts(Path(settings["model_dir"]), channel.say_once)
        width, height = settings["size"]
        offer(channel, Stream(self._shots, (width, height), channel.say), artifacts)
        gone.restore()
        self._loader = Loader(self._path.parent, artifacts, channel.say_once)
        sys.meta_path.insert(0, self._loader)
        sys.path.insert(0, str(self._path.parent))

    def run(self) -> int:
        """Run until the function and the threads it started have ended; return the exit code."""
        threading.excepthook = self._thread_crashed
        try:
            self._loader.run(self._path)
        except SourceError as error:
            self._channel.say("crash", str(error))
            return EXIT_UNREADABLE
        except SystemExit as error:
            self._crashed = error.code not in (None, 0)
        except BaseException as error:  # noqa: BLE001 - whatever the function raises is a crash
            self._report(error)
        for thread in _others():
            thread.join()
        return EXIT_CRASHED if self._crashed else 0

    def _shots(self) -> Any:
        from edge.config import CameraTable
        from edge.outage import Outage
        from edge.source import open_source

        camera = CameraTable(source=self._source, passes=0)
        trouble = Outage(
            logging.getLogger("edge.camera"),
            "camera",
            self._tell_trouble,
        )
        return open_source(camera, threading.Event(), trouble)

    def _tell_trouble(self, text: str) -> None:
        if text:
            self._channel.say("trouble", text)

    def _report(self, error: BaseException) -> None:
        self._crashed = True
        traceback.print_exception(error)
        place = traceback.extract_tb(error.__traceback__)
        here = [frame for frame in place if frame.filename.startswith(str(self._path.parent))]
        where = f"{Path(here[-1].filename).name}, line {here[-1].lineno}: " if here else ""
        self._channel.say("crash", f"{where}{type(error).__name__}: {error}")

    def _thread_crashed(self, arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        if error is not None and not isinstance(error, SystemExit):
            self._report(error)


def _others() -> Any:
    """Yield the function's own threads, also those that a thread starts (a Timer that restarts the loop)."""
    while True:
        alive = [
            thread
            for thread in threading.enumerate()
            if thread is not threading.current_thread() and not thread.daemon
        ]
        if not alive:
            return
        yield alive[0]


def main() -> None:
    """Run the function whose settings come over the socket given as a number."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # no supervisor, no function
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    settings = channel.read_settings()
    sys.dont_write_bytecode = True  # nothing is left beside the owner's file
    sys.argv = [settings["function"]]
    os.chdir(Path(settings["function"]).parent)
    code = Running(channel, settings).run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
