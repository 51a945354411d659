"""Imports OpenVINO without its telemetry."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def load_openvino() -> ModuleType:
    """Return the openvino module.

    Importing it sends usage statistics as long as nobody has declined. Where `openvino_telemetry` cannot be
    imported it falls back to a stub that sends nothing, so that is arranged for this process.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module("openvino")
