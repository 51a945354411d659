"""Runs commands in this process, in a folder of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hub.cli import app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def lenshub(folder: Path) -> Callable[..., Result]:
    """A function that runs a command: `lenshub("events", "--json", given="...")`."""
    runner = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "300", "TERM": "dumb"})

    def run(*arguments: str, given: bytes | None = None) -> Result:
        with ThreadPoolExecutor(1) as thread:  # commands have event loops of their own
            return thread.submit(runner.invoke, app, arguments, given).result(200)

    return run


@pytest.fixture
async def data(folder: Path, make_store: Any) -> AsyncIterator[Any]:
    """A store where the commands look for it, with its writer running."""
    opened = make_store(folder / "lenshub-data")
    await opened.open()
    yield opened
    await opened.close()
