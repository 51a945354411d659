"""What old functions import and call that no longer exists, and what stands for it today."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

MODULES = {
    "urllib2": ("urllib.request", "urllib.error", "urllib.parse"),
    "urlparse": ("urllib.parse",),
    "httplib": ("http.client",),
    "Queue": ("queue",),
    "StringIO": ("io",),
    "cStringIO": ("io",),
    "ConfigParser": ("configparser",),
    "cPickle": ("pickle",),
    "thread": ("_thread",),
    "commands": ("subprocess",),
    "__builtin__": ("builtins",),
}
ATTRIBUTES = {
    ("urllib", "urlretrieve"): "urllib.request",
    ("urllib", "urlopen"): "urllib.request",
    ("urllib", "urlencode"): "urllib.parse",
    ("urllib", "quote"): "urllib.parse",
    ("urllib", "quote_plus"): "urllib.parse",
    ("urllib", "unquote"): "urllib.parse",
    ("urllib", "unquote_plus"): "urllib.parse",
    ("time", "clock"): "time:perf_counter",
    ("os", "getcwdu"): "os:getcwd",
    ("string", "letters"): "string:ascii_letters",
    ("string", "lowercase"): "string:ascii_lowercase",
    ("string", "uppercase"): "string:ascii_uppercase",
    ("np", "float"): "builtins",
    ("np", "int"): "builtins",
    ("np", "object"): "builtins",
    ("np", "complex"): "builtins",
    ("cv2", "CV_AA"): "cv2:LINE_AA",
}
METHODS = {"isAlive": "is_alive"}
_REAL_NAMES = {"np": "numpy"}


def restore() -> None:
    """Give this process the modules and attributes of old back."""
    import threading

    sys.meta_path.append(_Renamed())
    for old, new in METHODS.items():
        setattr(threading.Thread, old, getattr(threading.Thread, new))
    for (owner, attribute), home in ATTRIBUTES.items():
        if owner in ("np", "cv2"):
            continue
        _restore_one(importlib.import_module(owner), attribute, home)


def restore_libraries() -> None:
    """Give numpy and OpenCV their old attributes back, where they are installed and loaded."""
    for (owner, attribute), home in ATTRIBUTES.items():
        if owner in ("np", "cv2") and (module := sys.modules.get(_REAL_NAMES.get(owner, owner))):
            _restore_one(module, attribute, home)


def _restore_one(module: ModuleType, attribute: str, home: str) -> None:
    source, _, name = home.partition(":")
    if attribute not in module.__dict__:
        setattr(module, attribute, getattr(importlib.import_module(source), name or attribute))


class _Renamed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules by the names they had in Python 2, after everything else has failed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name in MODULES else None

    def exec_module(self, module: ModuleType) -> None:
        for name in MODULES[module.__name__]:
            members = vars(importlib.import_module(name)).items()
            module.__dict__.update((key, value) for key, value in members if not key.startswith("__"))
