"""The secret that whoever sends pictures shows: made once, kept where only the hub's user reads it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "http-token"


def token_path(data_dir: Path) -> Path:
    """Return where it lies."""
    return data_dir / FILE


def read_token(data_dir: Path) -> str | None:
    """Return the token, or None where there is none yet."""
    try:
        return token_path(data_dir).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def make_token(data_dir: Path) -> str:
    """Return the token, made if there is none yet."""
    if found := read_token(data_dir):
        return found
    made, path = secrets.token_urlsafe(32), token_path(data_dir)
    partial = path.with_name(f".{FILE}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made + "\n")
    partial.replace(path)
    return made
