"""The `lenshub` command: run, look, explain."""

from __future__ import annotations

from hub.cli.app import app

__all__ = ["app"]
