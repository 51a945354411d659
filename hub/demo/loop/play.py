"""Plays the loop: capture, review, export, training, evaluation, and the new model at work, all for real."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hub.config import read_config
from hub.demo.clips import EDGE
from hub.demo.loop.footage import Footage, read_footage, write_exam, write_pictures
from hub.demo.loop.reviewer import Reviewed, review
from hub.demo.loop.setting import LoopSetting, lay_out_loop
from hub.demo.loop.summary import MORE_FRAMES, Figures, LoopSummary
from hub.demo.loop.tenths import Tenths
from hub.demo.programs import last_words, running, wait_until_ready
from hub.demo.summary import is_settled
from hub.errors import HubError
from hub.store.database import Database, database_path
from hub.store.log import EventLog
from hub.store.overview import reading

OLD = EDGE / "models" / "thumbs-up"
LEAST_STEPS, MOST_STEPS = 24, 60
"""Of training: as many as there are pictures, each of which is then seen sixteen times."""
LEAST_TRAINING_S, REST_S = 10.0, 40.0
"""The least time for training, and what all else takes, where the whole time is given."""
SETTLE_S, LOOK_S = 60.0, 0.2
Tell = Callable[[str], None]


async def play_loop(
    parent: Path, frames: int | None, seconds: float | None, stop: asyncio.Event, tell: Tell
) -> tuple[LoopSummary, list[str]]:
    """Go through the loop once.

    Args:
        frames: How many are looked at to learn from; all that there are, if None.
        seconds: About how long it may take; None for as long as it needs.
        stop: Ends it early.

    Returns:
        The summary, and what is wrong with it (nothing, if all went well).

    Raises:
        HubError: A step fails, or it was stopped.
    """
    setting = lay_out_loop(parent)
    tell(f"Everything of this demo is in {setting.folder}")
    footage = await asyncio.to_thread(_lay_out_footage, setting, frames)
    async with running(setting.folder, "hub", "hub.cli", "run", "--config", str(setting.hub_toml)) as hub:
        await wait_until_ready(setting.log("hub"), hub, ["mqtt.connected"])
        async with reading(setting.folder) as engine:
            summary = await _Loop(setting, footage, engine, stop, tell).go_round(seconds)
    return summary, summary.problems()


def _lay_out_footage(setting: LoopSetting, frames: int | None) -> Footage:
    footage = read_footage()
    footage = Footage(footage.shown[:frames], footage.held_out)
    write_pictures(footage.shown, setting.shown)
    write_exam(footage.held_out, write_pictures(footage.held_out, setting.held_out), setting.exam)
    return footage


def _idle() -> None:
    pass


class _Loop:
    """One way through the loop, step by step."""

    def __init__(
        self, setting: LoopSetting, footage: Footage, engine: Database, stop: asyncio.Event, tell: Tell
    ) -> None:
        self._setting, self._footage, self._engine = setting, footage, engine
        self._stop, self._tell = stop, tell
        self._seconds: dict[str, float] = {}

    async def go_round(self, seconds: float | None) -> LoopSummary:
        """Take every step, and sum up."""
        async with self._step("capture"):
            looked = await self._capture()
        async with self._step("review"):
            reviewed = await review(self._setting.hub_toml, self._engine, self._footage.shown)
        self._tell(f"          {_count(reviewed.reasons)}  ->  {_count(reviewed.verdicts)}")
        async with self._step("export"):
            pictures = await self._export()
        async with self._step("train"):
            await self._train(pictures["train"], seconds)
        async with self._step("evaluate"):
            compared = await self._evaluate()
        async with self._step("watch"):
            watched = await self._watch(compared["new"]["model"]["version"])
        return self._sum_up(looked, reviewed, pictures, compared, watched)

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[None]:
        began = time.monotonic()
        self._tell(_STEPS[name].format(frames=len(self._footage.shown), held_out=len(self._footage.held_out)))
        yield
        self._seconds[name] = round(time.monotonic() - began, 1)

    async def _capture(self) -> dict[str, int]:
        agent = self._setting.agent_of("agent", self._setting.shown, OLD, samples=True)
        counts = await self._film("agent", agent)
        plugins = list(read_config(self._setting.hub_toml).plugins)
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            if await is_settled(self._engine, plugins):
                return counts
            await asyncio.sleep(LOOK_S)
        raise HubError(f"the hub has not looked at every event within {SETTLE_S:.0f} s")

    async def _film(self, name: str, agent: Path) -> dict[str, int]:
        """Run an agent to its end; return its counts."""
        counts: dict[str, int] = json.loads(
            await self._run(name, "edge.cli", "run", "--config", str(agent), "--until-sent", "--json")
        )
        return counts

    async def _export(self) -> dict[str, int]:
        config = str(self._setting.hub_toml)
        options = ("--format", "coco", "--split", "0.8/0.2", "--config", config, "--json")
        said = await self._run("export", "hub.cli", "dataset", "export", str(self._setting.dataset), *options)
        pictures: dict[str, int] = json.loads(said)["pictures"]
        return pictures

    async def _train(self, pictures: int, seconds: float | None) -> None:
        steps = min(max(pictures, LEAST_STEPS), MOST_STEPS)
        options = ["--model", str(OLD), "--dataset", str(self._setting.dataset)]
        options += ["--out", str(self._setting.model), "--steps", str(steps)]
        if seconds is not None:
            options += ["--minutes", f"{max(LEAST_TRAINING_S, seconds - REST_S) / 60:.3f}"]
        tenths = Tenths(self._setting.log("training"), self._tell)
        module = "edge.training.finetune.__main__"
        said = await self._run("training", module, *options, entry="main", meanwhile=tenths.look)
        self._tell(f"          {said.splitlines()[0]}")

    async def _evaluate(self) -> dict[str, Any]:
        models = (str(OLD), str(self._setting.model))
        options = ("--dataset", str(self._setting.exam), "--json")
        said = await self._run("evaluation", "hub.cli", "evaluate", "--compare", *models, *options)
        compared: dict[str, Any] = json.loads(said)
        return compared

    async def _watch(self, version: str) -> dict[str, int]:
        """Have the agent look at the held-out pictures with the new model; return what came to the hub."""
        log = EventLog(self._engine)
        before = await log.newest_id()
        agent = self._setting.agent_of(
            "new-agent", self._setting.held_out, self._setting.model, samples=False
        )
        counts = await self._film("new-agent", agent)
        told = [
            event
            for event in await log.after(before, len(self._footage.held_out))
            if event.model and event.model.version == version
        ]
        with_thumbs = sum(bool(moment.boxes) for moment in self._footage.held_out)
        return {"frames": counts["frames"], "with_thumbs_up": with_thumbs, "events": len(told)}

    async def _run(
        self,
        name: str,
        module: str,
        *arguments: str,
        entry: str = "app",
        meanwhile: Callable[[], None] = _idle,
    ) -> str:
        """Run one of our programs to its end; return what it printed.

        Args:
            meanwhile: Called a few times a second.

        Raises:
            HubError: It fails, or is not to go on.
        """
        folder = self._setting.folder
        async with running(folder, name, module, *arguments, entry=entry) as process:
            ended, stopped = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self._stop.wait())
            while not ended.done() and not stopped.done():
                await asyncio.wait((ended, stopped), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                meanwhile()
            stopped.cancel()
            if not ended.done():
                raise HubError(f"stopped during {name}; what there is so far is in {folder}")
        if process.returncode != 0:
            advice = MORE_FRAMES if name in {"export", "training"} else ""
            raise HubError(f"{name} failed: {last_words(self._setting.log(name))}{advice}")
        return (folder / f"{name}.out").read_text(encoding="utf-8")

    def _sum_up(
        self,
        looked: dict[str, int],
        reviewed: Reviewed,
        pictures: dict[str, int],
        compared: dict[str, Any],
        watched: dict[str, int],
    ) -> LoopSummary:
        ap50 = next(one for one in compared["differences"] if one["name"] == "AP50")
        return LoopSummary(
            frames=looked["frames"],
            events=looked["events"],
            captured=dict(reviewed.reasons),
            reviewed=dict(reviewed.verdicts),
            pictures=pictures,
            old=Figures.of(compared["old"]),
            new=Figures.of(compared["new"]),
            verdict=compared["verdict"],
            change=(ap50["low"], ap50["change"], ap50["high"]),
            watched=watched,
            seconds=self._seconds,
            paths=_find_paths(self._setting),
        )


_STEPS = {
    "capture": "1 capture   a camera in the dark shows {frames} frames to the shipped model; the hub chooses",
    "review": "2 review    what was captured, from the ground truth",
    "export": "3 export    what was reviewed, as a training set",
    "train": "4 train     the shipped model further",
    "evaluate": "5 evaluate  both on {held_out} frames of other scenes",
    "watch": "6 watch     these frames on the agent, with the new model",
}


def _count(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _find_paths(setting: LoopSetting) -> dict[str, str]:
    found = {
        "training set": setting.dataset,
        "new model": setting.model,
        "held-out set": setting.exam,
        "database": database_path(setting.folder),
    }
    return {name: str(path) for name, path in found.items()}
