"""Puts the screens where agent.toml says: on a page, in a FIFO, on both or nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from edge.display.access import Access
from edge.display.fifo import feeding
from edge.display.server import open_server, serving

if TYPE_CHECKING:
    from edge.config import DisplayTable
    from edge.display.screen import Screen
    from edge.health import Health

LOG = logging.getLogger("edge.display")


@contextmanager
def showing(
    table: DisplayTable,
    screens: Mapping[str, Screen],
    measure: Callable[[], Health],
    device: str,
    model: str,
    token: str | None,
) -> Iterator[None]:
    """Show what is on the screens within a `with` block.

    Args:
        table: Where.
        screens: One for each camera by its name.
        measure: Gives the agent's figures.
        device: The device's name.
        model: The models' names and versions.
        token: Who knows it may look; None for everybody on this machine.

    Raises:
        ConfigError: The address cannot be listened on, or the FIFO cannot be made.
    """
    with ExitStack() as stack:
        if table.listen is not None:
            server = open_server(
                table.address,
                screens,
                measure,
                device=device,
                model=model,
                access=Access(token),
                height=table.height,
                fps=table.fps,
            )
            stack.enter_context(serving(server))
            LOG.info("display: http://%s:%d/", table.address[0], server.server_address[1])
        if table.fifo is not None:
            shown = screens[table.fifo_camera or next(iter(screens))]
            stack.enter_context(feeding(table.fifo, shown, height=table.height, fps=table.fps))
            LOG.info("display: %s", table.fifo)
        yield
