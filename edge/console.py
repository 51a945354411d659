"""Where the commands print, and how they end when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from hub.errors import ConfigError, HubError

out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Print what is wrong without a traceback; exit with 2 for the configuration, 1 for anything else."""
    try:
        yield
    except HubError as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from None
