"""The fixture `run_plugin`: `from hub.testing.fixture import run_plugin` in a conftest.py makes it known.

It is imported and not an entry point of pytest: pytest rewrites every module of a distribution that has such
an entry point, in all of its owner's test runs, whether they are about LensHub or not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.testing.stage import PluginStage

RunPlugin = Callable[..., AbstractAsyncContextManager[PluginStage]]


@pytest.fixture
def run_plugin(tmp_path: Path) -> RunPlugin:
    """A function that runs one instance in an empty folder: `async with run_plugin(Bell, loud=True)`."""

    @asynccontextmanager
    async def run(plugin: type | str, **table: Any) -> AsyncIterator[PluginStage]:
        async with PluginStage.open(plugin, tmp_path / "data", **table) as stage:
            yield stage

    return run
