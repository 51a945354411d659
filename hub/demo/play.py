"""Runs a demo: starts hub and agent, tells what happens, stops them, and sums up."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub.config import read_config
from hub.demo.clips import Clip
from hub.demo.programs import last_words, running, wait_until_ready
from hub.demo.setting import DemoSetting, lay_out
from hub.demo.summary import Summary, is_settled, sum_up
from hub.demo.telling import Teller
from hub.errors import HubError
from hub.store.database import Database
from hub.store.overview import reading

SETTLE_S = 60.0
LOOK_S = 0.25
STARTING_S = 6.0
"""About how long the agent takes to start and to finish, on a slow machine."""

Tell = Callable[[str], None]


def passes_within(seconds: float | None, clip: Clip) -> int:
    """Return how often the clip is played in that time; 0, without end, when there is none given."""
    if seconds is None:
        return 0
    return max(1, int((seconds - STARTING_S) / clip.seconds()))


async def play(
    parent: Path, clip: Clip, seconds: float | None, stop: asyncio.Event, tell: Tell
) -> tuple[Summary, list[str]]:
    """Play a clip to a hub of its own for `seconds` from when the hub is ready, or until `stop` is set.

    Returns:
        The summary, and what is wrong with it (nothing, if all went well).

    Raises:
        HubError: Hub or agent cannot be started; with what they said.
    """
    setting = lay_out(parent, clip, passes_within(seconds, clip))
    plugins = list(read_config(setting.hub_toml).plugins)
    tell(f"Everything of this demo is in {setting.folder}")
    async with running(setting.folder, "hub", "hub.cli", "run", "--config", str(setting.hub_toml)) as hub:
        await wait_until_ready(setting.log("hub"), hub, ["mqtt.connected"])
        again = "" if seconds is not None else ", again and again until Ctrl-C"
        tell(f"Broker and hub are running; a camera agent starts on a clip of {clip.shows}{again}.")
        async with reading(setting.folder) as engine:
            stage = _Stage(setting, hub, Teller(engine, tell))
            frames, spooled = await stage.film(seconds, stop)
            await stage.settle(engine, plugins)
            summary = await sum_up(engine, setting.folder, plugins, frames=frames, spooled=spooled)
    return summary, summary.problems(plugins)


@dataclass(frozen=True, slots=True)
class _Stage:
    """A running hub, and who tells what happens in it."""

    setting: DemoSetting
    hub: asyncio.subprocess.Process
    teller: Teller

    async def film(self, seconds: float | None, stop: asyncio.Event) -> tuple[int, int]:
        """Run the agent to its end; return how many frames it looked at and how many events it spooled."""
        options = ("--config", str(self.setting.agent_toml), "--until-sent", "--json")
        async with running(self.setting.folder, "agent", "edge.cli", "run", *options) as agent:
            ends = time.monotonic() + seconds if seconds is not None else float("inf")
            told_to_stop = False
            while agent.returncode is None:
                if not told_to_stop and (stop.is_set() or time.monotonic() > ends):
                    agent.terminate()  # it sends what is spooled, and ends
                    told_to_stop = True
                await self._look()
            counts = _agent_counts(self.setting, agent.returncode)
        return counts["frames"], counts["events"]

    async def settle(self, engine: Database, plugins: list[str]) -> None:
        """Wait until every delivery has come to an end, for a bounded time."""
        deadline = time.monotonic() + SETTLE_S
        while not await is_settled(engine, plugins) and time.monotonic() < deadline:
            await self._look()
        await self.teller.tell_new()

    async def _look(self) -> None:
        if self.hub.returncode is not None:
            raise HubError(f"the hub ended: {last_words(self.setting.log('hub'))}")
        await self.teller.tell_new()
        await asyncio.sleep(LOOK_S)


def _agent_counts(setting: DemoSetting, returncode: int | None) -> dict[str, int]:
    said = (setting.folder / "agent.out").read_text(encoding="utf-8").strip()
    if returncode != 0 or not said:
        raise HubError(f"the agent failed: {last_words(setting.log('agent'))}")
    counts: dict[str, int] = json.loads(said)
    return counts
