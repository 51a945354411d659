"""The stage on which authors try their plugins: real store, real ledger, faults on demand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from hub.errors import ConfigError, PayloadError
from hub.event import NewEvent
from hub.plugin import Decoded, Message, Skip, hookimpl
from hub.testing import FAULTS, Attempt, make_event, make_message, make_picture
from hub.testing.fixture import run_plugin

__all__ = ["run_plugin"]


class Bell:
    """Rings a list; guarded, or after a wait, or for a picture."""

    class Settings(BaseModel):
        guarded: bool = False
        waits: bool = False

    rung: list[int]

    def __init__(self, settings, context):
        self.settings = settings
        self.entered = False

    async def __aenter__(self):
        self.entered = True
        return self

    async def __aexit__(self, *error):
        self.entered = False

    @hookimpl
    async def deliver(self, event, frame, delivery):
        if not event.detections:
            raise Skip("nothing seen")
        if self.settings.waits:
            await asyncio.sleep(0.01)
        size = len(await frame.read()) if frame else 0
        if self.settings.guarded:
            async with delivery.once(f"ring {event.id}"):
                self.rung.append(event.id)
        else:
            self.rung.append(event.id)
        return f"rang, {size} bytes"

    @hookimpl
    def sources(self):
        return [Rope()]

    @hookimpl
    def decode(self, message):
        event = NewEvent(source="rope", device="tower", captured_at=message.received_at)
        return Decoded(events=(event,)) if message.payload == b"pull" else {}


class Rope:
    name = "rope"
    acknowledged: list[str]

    async def messages(self):
        for number in range(5):
            yield Message("rope", f"rope/{number}", b"pull", datetime.now(UTC))

    async def acknowledge(self, message):
        self.acknowledged.append(message.topic)


@pytest.fixture(autouse=True)
def rung():
    Bell.rung, Rope.acknowledged = [], []
    return Bell.rung


async def test_stage_delivers_an_event_with_its_picture(run_plugin, rung):
    picture = make_picture()
    async with run_plugin(Bell) as stage:
        assert await stage.deliver(make_event(), picture) == [Attempt("done", f"rang, {len(picture)} bytes")]
        assert await stage.deliver(make_event(None)) == [Attempt("skipped", reason="nothing seen")]
        assert stage.plugin.entered

    assert rung == [1]


@pytest.mark.parametrize(
    ("fault", "settings", "outcomes", "rings"),
    [
        ("duplicate", {}, ["done", "done"], 2),
        ("duplicate", {"guarded": True}, ["done", "done"], 1),
        ("crash", {}, ["crashed", "done"], 2),
        ("crash", {"guarded": True}, ["crashed", "unknown"], 1),
        ("slow", {"waits": True}, ["retrying", "done"], 1),
        ("error", {}, ["retrying", "done"], 1),
    ],
)
async def test_stage_injects_a_fault_and_delivers_again(run_plugin, rung, fault, settings, outcomes, rings):
    async with run_plugin(Bell, **settings) as stage:
        attempts = await stage.deliver(make_event(), make_picture(), fault=fault)

    assert [attempt.outcome for attempt in attempts] == outcomes
    assert len(rung) == rings
    assert fault in FAULTS


@pytest.mark.parametrize(
    ("fault", "missed"),
    [("error", "it asked nothing of the hub"), ("slow", "it waited for nothing"), ("duplicate", "")],
)
async def test_stage_says_which_fault_could_not_happen(run_plugin, fault, missed):
    async with run_plugin(Bell) as stage:
        first, _ = await stage.deliver(make_event(), fault=fault)
        (plain,) = await stage.deliver(make_event())

    assert (first.missed, plain.missed) == (missed, "")


async def test_stage_says_what_is_wrong_with_settings(run_plugin):
    with pytest.raises(ConfigError, match=r"plugins\.bell\.guarded: Input should be a valid boolean"):
        async with run_plugin(Bell, guarded="maybe"):
            pass


async def test_stage_finds_an_installed_plugin_by_name(run_plugin):
    async with run_plugin("retraining", folder="set") as stage:
        (attempt,) = await stage.deliver(make_event(), make_picture())

        assert attempt.outcome == "done"
        assert (stage.data_dir / "set" / attempt.note).exists()


async def test_stage_takes_messages_and_acknowledges_them(run_plugin):
    async with run_plugin(Bell) as stage:
        taken = await stage.take(2)

    assert [decoded.device for decoded in taken] == ["tower", "tower"]
    assert Rope.acknowledged == ["rope/0", "rope/1"]


async def test_stage_checks_what_decode_returns(run_plugin):
    async with run_plugin(Bell) as stage:
        with pytest.raises(PayloadError, match="decode returned dict, not Decoded"):
            stage.decode(make_message("push"))
