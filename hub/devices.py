"""Which devices may connect to the private broker, and their passwords (hashed)."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import signal
import tempfile
from base64 import b64decode, b64encode
from pathlib import Path

from hub.errors import ConfigError
from hub.event import DEVICE_PATTERN

HUB_USER = "lenshub"
ROUNDS = 101  # Mosquitto's own; the passwords are 24 random bytes, which no number of rounds makes safer
_DEVICE = re.compile(DEVICE_PATTERN)


class DeviceRegistry:
    """The broker's password file.

    Args:
        folder: The broker's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "passwords"

    def names(self) -> list[str]:
        """Return the registered devices, sorted."""
        return sorted(name for name in self._read() if name != HUB_USER)

    def add(self, name: str) -> str:
        """Register a device and return its new password; it is shown once and kept only as a hash.

        Raises:
            ConfigError: The name is not allowed or taken.
        """
        if not _DEVICE.fullmatch(name) or name == HUB_USER:
            raise ConfigError(
                f"{name!r} cannot be a device's name: use up to 64 letters, digits, dots, dashes and "
                f"underscores, beginning with a letter or digit (and not {HUB_USER!r})"
            )
        if name in self._read():
            raise ConfigError(f"device {name} is already registered; `lenshub device remove {name}` first")
        password = secrets.token_urlsafe(24)
        self.set_password(name, password)
        return password

    def remove(self, name: str) -> None:
        """Forget a device; raises ConfigError when it is not registered."""
        entries = self._read()
        if name == HUB_USER or entries.pop(name, None) is None:
            raise ConfigError(
                f"device {name} is not registered (registered: {', '.join(self.names()) or 'none'})"
            )
        self._write(entries)

    def set_password(self, name: str, password: str) -> None:
        """Set the password of a user of the broker."""
        self._write(self._read() | {name: _hash(password)})

    def knows(self, name: str, password: str) -> bool:
        """Whether this is the password of a user of the broker."""
        match self._read().get(name, "").split("$"):
            case ["", "7", rounds, salt, derived]:
                found = _derive(password, b64decode(salt), int(rounds))
                return hmac.compare_digest(found, b64decode(derived))
            case _:
                return False

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def _write(self, entries: dict[str, str]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        owner = self._path.stat() if self._path.exists() else self._folder.stat()
        descriptor, partial = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name}:{hashed}\n" for name, hashed in entries.items())
        if os.getuid() == 0:
            os.chown(partial, owner.st_uid, owner.st_gid)
        Path(partial).replace(self._path)
        self._tell_broker()

    def _tell_broker(self) -> None:
        """Make a running private broker read its passwords again."""
        try:
            pid = int((self._folder / "pid").read_text())
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return  # it is not running, and reads them when it starts
        if name == "mosquitto":
            os.kill(pid, signal.SIGHUP)


def _hash(password: str) -> str:
    """Return a password as mosquitto_passwd writes it: PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(12)
    return f"$7${ROUNDS}${b64encode(salt).decode()}${b64encode(_derive(password, salt, ROUNDS)).decode()}"


def _derive(password: str, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 64)
