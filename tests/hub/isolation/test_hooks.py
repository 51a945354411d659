"""The hooks beside `deliver`, of an instance in a process of its own."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from hub.errors import HubError
from hub.store.schema import captures, reviews
from hub.store.suppression import snooze

TICK = """
@hookimpl
async def tick(self, now, delivery):
    async with delivery.once("tick", amount=os.getpid()):
        counted = await delivery.count_events(since=datetime(2000, 1, 1, tzinfo=UTC))
    print(f"ticked {now:%Z} {counted}", flush=True)
"""
DIGEST = """
@hookimpl
async def digest(self, digest, frame, delivery):
    {fails}
    async with delivery.once(f"digest/{{digest.number}}"):
        told = f"{{digest.count}} {{dict(digest.rules)}} {{digest.lines[0].label}} {{digest.latest.id}}"
    return f"{{told}} {{frame}} {{delivery.attempt}}"
"""
COOLING = {"cooldown_s": 2, "digest": ["cooldown"]}
FROM_DATETIME = "from datetime import *\nLONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)\n"


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(count, **members):
        await soon(store.add(*(arrivals.plain(arrivals.event(**members)) for _ in range(count))), 60)

    return add


@pytest.fixture(autouse=True)
def restarted_soon(monkeypatch):
    monkeypatch.setattr("hub.isolation.isolated.PAUSES_S", (0.01,))


async def test_isolated_plugin_ticks_in_its_process(isolate, store, wait_until, caplog):
    caplog.set_level("INFO")
    running = await isolate("return None", before=FROM_DATETIME, more=TICK)
    await wait_until(lambda: "plugin.says p: ticked UTC 0" in caplog.text)

    assert store.sql("SELECT key, state, amount FROM effects") == [("tick", "done", running.process.pid)]


async def test_isolated_tick_that_fails_is_named_and_ticks_on(isolate, wait_until, caplog):
    failing = "@hookimpl\nasync def tick(self):\n    raise ValueError('no clock')"
    running = await isolate("return None", more=failing)
    await wait_until(lambda: "plugin.tick_failing p: ValueError: no clock" in caplog.text)

    assert running.state() == ("running", "")


async def test_isolated_tick_that_blocks_costs_its_process_and_no_delivery(isolate, fill, wait_until, caplog):
    blocking = "@hookimpl\nasync def tick(self):\n    time.sleep(1000)"
    running = await isolate("return 'done'", more=blocking, timeout_s=4, tick_s=3600)
    await wait_until(lambda: "a tick took too long and would not be cancelled" in str(running.state()))
    await fill(1)
    await wait_until(lambda: running.row() == ("done", 1, "done"))

    assert "plugin.tick_failing p: TimeoutError" in caplog.text


@pytest.mark.parametrize(
    ("fails", "attempt"),
    [
        ("pass", 1),
        ("if delivery.attempt == 1: raise RetryLater(0.1, 'busy')", 2),
        ("if delivery.attempt == 1: os._exit(3)", 2),
    ],
)
async def test_isolated_plugin_tells_digests_in_its_process(isolate, fill, store, wait_until, fails, attempt):
    now = datetime.now(UTC)
    await snooze(store.engine, "p", now + timedelta(days=1), now)
    running = await isolate("return None", more=DIGEST.format(fails=fails))
    await fill(3)
    await wait_until(lambda: running.cursor()[0] == 3)
    await snooze(store.engine, "p", None, now)
    told = "SELECT outcome, note FROM digests"
    await wait_until(lambda: store.sql(told) and store.sql(told)[0][0] == "done", timeout_s=60)

    assert store.sql(told) == [("done", f"3 {{'snooze': 3}} thumbs-up 3 None {attempt}")]
    assert store.sql("SELECT key, state FROM effects WHERE key LIKE 'digest%'") == [("digest/1", "done")]


@pytest.mark.parametrize(
    ("more", "settings", "told"),
    [
        ("", {"tick_s": 5}, "plugins.p.tick_s: this plugin has no tick hook; leave the setting out"),
        ("", {"suppress": COOLING}, "plugins.p.suppress.digest: this plugin has no digest hook"),
        (
            "@hookimpl\ndef decode(self, message):\n    return message",
            {},
            "plugins.p.isolation: the hook decode is called in the hub itself",
        ),
    ],
)
async def test_isolated_plugin_is_refused_what_nobody_would_call(isolate, wait_until, more, settings, told):
    running = await isolate("return None", more=more, **settings)
    await wait_until(running.state)

    assert running.state()[0] == "failed"
    assert told in running.state()[1]


async def test_isolated_plugin_looks_up_effects_and_events(isolate, fill, wait_until):
    running = await isolate(
        """
async with delivery.once(f"k/{event.id}", group="g"):
    pass
seen = await delivery.recall.effects(prefix="k/", group="g", since=LONG_AGO)
last = await delivery.recall.newest(label="thumbs-up", min_confidence=0.1)
none = await delivery.recall.newest(label="dog")
devices = await delivery.recall.devices()
same = await delivery.recall.same_frame(event)
return f"{[(e.key, e.event_id, e.done) for e in seen]} {last.id} {none} {devices} {same}"
""",
        before=FROM_DATETIME,
        concurrency=1,
    )
    await fill(2)
    await wait_until(lambda: running.row(2))

    assert running.row(2)[2].startswith("[('k/2', 2, True), ('k/1', 1, True)] 2 None [")


async def test_isolated_plugin_captures_and_looks_up_what_was_rejected(isolate, fill, store, wait_until):
    now = datetime.now(UTC)
    captured = {"plugin": "p", "event_id": 1, "device": "porch", "reasons": ["old"], "score": 0.1}
    hashed = {"likeness": bytes(range(224, 256)), "chosen_at": now}
    review = {"event_id": 1, "reviewer": "ann", "verdict": "rejected", "note": "", "made_at": now}
    await fill(1)
    await store.writer.change(lambda c: c.execute(insert(captures), captured | hashed))
    await store.writer.change(lambda c: c.execute(insert(reviews), review))
    running = await isolate(
        """
none = await delivery.captured()
limits = [CaptureLimit("most", 1, "hour", "label")]
made = await delivery.capture(["odd"], score=0.5, label="cup", likeness=bytes(range(32)), limits=limits)
shares = await delivery.recall.label_shares(event, among=10)
(seen,) = await delivery.recall.rejected(since=LONG_AGO)
assert made == await delivery.captured() and made.likeness == bytes(range(32)), made
assert seen.likeness == bytes(range(224, 256)), seen
return f"{none} {made.reasons} {made.score} {made.label} {shares} {seen.event_id} {seen.labels}"
""",
        before=FROM_DATETIME + "from hub.plugin import CaptureLimit\n",
        concurrency=1,
        attempts=1,
    )
    await fill(2)
    await wait_until(lambda: running.row(3))

    told = "None ('odd',) 0.5 cup {'thumbs-up': 1.0} 1 ('thumbs-up',)"
    assert running.row(2)[2] == told
    refused = "odd wanted it; most of cup is used up: 1 of 1 within the hour"
    assert (running.row(3)[0], running.row(3)[2]) == ("skipped", refused)


async def test_isolated_lookup_of_too_much_is_refused_in_its_own_code(isolate, fill, wait_until):
    running = await isolate("await delivery.recall.effects(limit=10**9)", attempts=1)
    await fill(1)
    await wait_until(running.row)

    assert running.row()[0] == "dead"
    assert "less than or equal to 10000" in running.row()[2]
    assert running.state() == ("running", "")


async def test_isolated_effect_whose_far_side_knows_repeats_is_done_again_after_a_crash(
    isolate, fill, store, wait_until
):
    running = await isolate(
        """
async with delivery.once("k", repeatable=True):
    if delivery.attempt == 1:
        os._exit(3)
return "again"
"""
    )
    await fill(1)
    await wait_until(lambda: running.row() and running.row()[0] == "done", timeout_s=60)

    assert running.row() == ("done", 2, "again")
    assert store.sql("SELECT state FROM effects") == [("done",)]


async def test_isolated_instance_that_is_paused_stays_so_when_its_process_is_started_again(
    isolate, fill, wait_until
):
    running = await isolate("return str(os.getpid())")
    await fill(1)
    await wait_until(running.row)
    running.dispatch.pause("p", "rest")
    first = running.process
    os.kill(first.pid, signal.SIGKILL)
    await wait_until(lambda: running.process is not first and running.loaded.plugin.is_up, timeout_s=60)
    await wait_until(lambda: running.state() == ("paused", "rest"))
    running.dispatch.resume("p")
    await fill(1)
    await wait_until(lambda: running.row(2))

    assert running.row(2)[:2] == ("done", 1)
    await wait_until(lambda: running.state()[0] == "running")
    assert running.state()[1].startswith("its process ended 1 time;")


async def test_isolated_effects_have_limits_and_are_counted(isolate, fill, wait_until):
    running = await isolate(
        """
async with delivery.once(f"k/{event.id}", group="g", limits=[Limit("most", "day", count=2)]):
    pass
return str(await delivery.count_effects("g"))
""",
        before="from hub.plugin import Limit",
        concurrency=1,
    )
    await fill(3)
    await wait_until(lambda: running.row(3))

    assert [running.row(n)[0] for n in (1, 2, 3)] == ["done", "done", "skipped"]
    assert [running.row(n)[2] for n in (1, 2)] == ["0", "1"]
    assert "most" in running.row(3)[2]


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ("return f'well, in {os.getpid()}'", "well, in {pid}"),
        ("raise ValueError('lost')", "ValueError: lost"),
        ("return 42", "TypeError: returned int, not text or None"),
    ],
)
async def test_isolated_plugin_says_how_it_is_doing(isolate, wait_until, says, said):
    running = await isolate("return None", more=f"@hookimpl\ndef status(self):\n    {says}")

    def status():
        try:
            return running.loaded.plugin.status()
        except HubError as error:
            return f"{type(error).__name__}: {error}"

    await wait_until(status)

    assert status() == said.format(pid=running.process.pid)
