"""One process that can be paused, killed and started again; its output goes to a log file."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Victim:
    """A process that is started again with the same command after each kill."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._env = {**os.environ, **env}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is not waited for."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env
            )

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process

    def check(self) -> None:
        """Raise RuntimeError when it ended by itself."""
        if (code := self._running.poll()) is not None:
            raise RuntimeError(
                f"{self.name} ended by itself with {code}; its last words:\n{self.last_words()}"
            )

    def last_words(self) -> str:
        """Return the end of its log."""
        return self._log.read_text(errors="replace")[-2000:]

    def whole_log(self) -> str:
        """Return its log from the first start on."""
        return self._log.read_text(errors="replace")

    def has_open(self, path: Path) -> bool:
        """Whether the process has this file open."""
        descriptors = Path(f"/proc/{self._running.pid}/fd")
        try:
            return any(descriptor.readlink() == path for descriptor in descriptors.iterdir())
        except OSError:
            return False  # it is just going, or a descriptor was closed meanwhile

    def pause(self) -> None:
        """Stop every thread of it, and return once they stand still (or the process is gone)."""
        self._running.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._running.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let it go on after a pause."""
        self._running.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, with SIGKILL."""
        self._running.kill()
        self._running.wait()

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends by itself and return its exit code; raises TimeoutError with its last words."""
        try:
            return self._running.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"{self.name} still runs after {timeout_s:g} s; its last words:\n{self.last_words()}"
            ) from None

    def stop(self, timeout_s: float = 30) -> int:
        """Ask it to end and return its exit code; raises subprocess.TimeoutExpired."""
        self._running.terminate()
        return self._running.wait(timeout_s)

    def end(self) -> None:
        """Make sure that it is gone; nothing happens if it never started or has ended."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
