"""Writes a new plugin's package from the templates beside this file."""

from __future__ import annotations

import importlib.metadata
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from hub.errors import HubError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME_CHARS = 40
# What each template becomes; $module and the like stand for names here too.
FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "plugin.py": "$module.py",
    "conftest.py": "tests/conftest.py",
    "test_plugin.py": "tests/test_$module.py",
    "gitignore": ".gitignore",
}


def names_of(name: str) -> dict[str, str]:
    """Return what the templates' places stand for.

    Raises:
        HubError: It cannot be a plugin's name.
    """
    if not NAME.fullmatch(name) or len(name) > MAX_NAME_CHARS:
        raise HubError(
            f"{name!r} cannot be a plugin's name: use small letters and digits, words joined by a dash, "
            f"beginning with a letter, at most {MAX_NAME_CHARS} characters, such as door-bell"
        )
    version = importlib.metadata.version("lenshub")
    return {
        "name": name,
        "title": name.replace("-", " ").capitalize(),
        "module": f"lenshub_{name.replace('-', '_')}",
        "class_name": "".join(part.capitalize() for part in name.split("-")) + "Plugin",
        "lenshub": f"lenshub[hub]>={version},<{_next_breaking(version)}",
    }


def _next_breaking(version: str) -> str:
    """Return the first version that may break a plugin: before 1.0 the next minor one, else the major."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return f"{major + 1}" if major else f"0.{minor + 1}"


def write_package(name: str, folder: Path) -> list[Path]:
    """Write a plugin's package into a new or empty folder; return the files, relative to it.

    Raises:
        HubError: The name is none, or there is something in the folder.
        OSError: The folder cannot be written.
    """
    names = names_of(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HubError(f"{folder}: is not empty; name another folder with --into")
    written = []
    for template, target in FILES.items():
        text = (files("hub.scaffold") / f"{template}.template").read_text(encoding="utf-8")
        path = Path(Template(target).substitute(names))
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(Template(text).substitute(names), encoding="utf-8")
        written.append(path)
    return written
