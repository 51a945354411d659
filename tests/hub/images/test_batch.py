"""A model is started for the pictures that wait and stopped again, whatever happens in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from pydantic import ValidationError

from hub.images import batch as module
from hub.images.schedule import next_at
from hub.images.settings import Batch
from hub.plugin import RetryLater, hookimpl
from tests.hub.images.conftest import Classifier


class Model:
    """The far side's model, which costs money while it runs."""

    def __init__(self):
        self.runs = False
        self.log = []


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(module, "CALM_S", 0.2)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "GOODBYE_S", 60.0)
    return Model()


@pytest.fixture
def nightly(model):
    """A classifier whose model runs only in a batch; `hurdles` are raised, or awaited, one a call."""

    class Nightly(Classifier):
        hurdles: ClassVar[dict[str, list]] = {}

        async def _pass(self, name):
            if hurdles := self.hurdles.get(name):
                hurdle = hurdles.pop(0)
                if isinstance(hurdle, asyncio.Event):
                    await hurdle.wait()
                else:
                    raise hurdle

        @hookimpl
        async def classify(self, image, calls):
            assert model.runs
            await self._pass("classify")
            return self.answer(image)

        @hookimpl
        async def begin_batch(self, batch):
            model.log.append(f"begin {dict(batch.memory)}")
            await batch.remember(ours=True)
            model.runs = True
            batch.note("STARTING")
            await self._pass("begin")

        @hookimpl
        async def end_batch(self, batch):
            assert batch.memory["ours"]
            await self._pass("end")
            model.log.append("end")
            model.runs = False

    return Nightly


@pytest.fixture
def folder(store, picture):
    root = store.data_dir / "photos"
    root.mkdir()
    for number in range(6):
        (root / f"{number}.png").write_bytes(picture(number))
    return root


def states(store):
    return [state for (state,) in store.sql("SELECT state FROM batches ORDER BY id")]


TABLE = {"folder": "photos", "batch": {"backlog": 5}}


async def test_model_runs_only_for_the_pictures_that_wait(running, nightly, model, folder, wait_until):
    async with running(factory=nightly, **TABLE) as gallery:
        await wait_until(lambda: states(gallery.store) == ["ended"])

    assert (len(gallery.events()), model.runs, model.log) == (6, False, ["begin {}", "end"])


async def test_model_is_not_started_for_fewer_pictures(running, nightly, model, folder, picture, wait_until):
    table = TABLE | {"batch": {"backlog": 7}}
    async with running(factory=nightly, **table) as gallery:
        said = "SELECT 1 FROM plugin_parts WHERE part = 'batch' AND text = 'waits for work'"
        await wait_until(lambda: gallery.store.sql(said))
        assert model.log == []
        (folder / "6.png").write_bytes(picture(6))
        await wait_until(lambda: len(gallery.events()) == 7)


@pytest.mark.parametrize("where", ["begin", "end"])
@pytest.mark.parametrize("hurdle", [RetryLater(0, "busy"), KeyError("no")])
async def test_model_is_stopped_whatever_fails(running, nightly, model, folder, wait_until, where, hurdle):
    nightly.hurdles = {where: [hurdle]}
    async with running(factory=nightly, **TABLE) as gallery:
        await wait_until(lambda: "ended" in states(gallery.store))
        await wait_until(lambda: len(gallery.events()) == 6)
        await wait_until(lambda: not model.runs)


@pytest.mark.parametrize("where", ["begin", "classify", "end"])
async def test_batch_goes_on_after_a_restart_in_any_state(
    running, nightly, model, folder, wait_until, where, monkeypatch
):
    monkeypatch.setattr(module.Batches, "_end_in_passing", lambda *_: asyncio.sleep(0))  # as a kill leaves it
    nightly.hurdles = {where: [asyncio.Event() for _ in range(6)]}
    async with running(factory=nightly, **TABLE) as gallery:
        state = {"begin": "beginning", "classify": "running", "end": "ending"}[where]
        await wait_until(lambda: states(gallery.store) == [state] and len(nightly.hurdles[where]) < 6)
    assert model.runs
    nightly.hurdles = {}
    async with running(factory=nightly, **TABLE) as gallery:
        await wait_until(lambda: states(gallery.store) == ["ended"])

    assert (len(gallery.events()), model.runs) == (6, False)
    assert model.log[1:] == (["end"] if where == "end" else ["begin {'ours': True}", "end"])


async def test_model_is_stopped_as_the_hub_stops(running, nightly, model, folder, wait_until):
    nightly.hurdles = {"classify": [asyncio.Event() for _ in range(6)]}
    async with running(factory=nightly, **TABLE) as gallery:
        await wait_until(lambda: states(gallery.store) == ["running"])

    assert (states(gallery.store), model.runs) == (["ended"], False)


async def test_batch_ends_when_its_time_is_over(running, nightly, model, folder, wait_until, monkeypatch):
    monkeypatch.setattr(module.Batches, "_is_over", lambda *_: bool(nightly.hurdles.get("over")))
    nightly.hurdles = {"classify": [asyncio.Event() for _ in range(6)]}
    async with running(factory=nightly, **TABLE) as gallery:
        await wait_until(lambda: states(gallery.store) == ["running"])
        nightly.hurdles["over"] = [True]
        await wait_until(lambda: "ended" in states(gallery.store))


def test_cron_names_the_next_moment_in_utc():
    now = datetime(2026, 11, 21, 18, 31, 20, tzinfo=UTC)

    assert next_at("0 * * * *", now) == datetime(2026, 11, 21, 19, tzinfo=UTC)
    assert next_at(None, now) is None


@pytest.mark.parametrize("cron", ["", "every night", "* * * *", "0 0 30 2 *"])
def test_cron_that_never_comes_is_refused(cron):
    with pytest.raises(ValidationError, match="cron"):
        Batch(cron=cron)
    with pytest.raises(ValidationError, match="needs cron or backlog"):
        Batch()
