"""Plugins that block, crash or end the program, in a hub that goes on, or leaves them out the next time."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

HEAD = """
import asyncio, ctypes, os, signal, time
from pydantic import BaseModel
from hub.plugin import hookimpl

class Plugin:
    class Settings(BaseModel):
        pass

    def __init__(self, settings, context):
        pass

    @hookimpl
    async def deliver(self, event):
"""
GOOD = HEAD + "        return 'seen'\n"
BAD = {
    "exits": "os._exit(3)",
    "kills": "os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "ctypes.string_at(0)",
    "spins": "while True: pass",
    "sleeps": "time.sleep(1000)",
    "hogs": "x = bytearray(1 << 30)",
}
WATCHDOG = "[watchdog]\nblocked_after_s = 0.5\nhold_back_after_s = 1\nend_after_s = 1.5\n"
UNLESS_MENDED = "if not os.path.exists(os.path.join(os.path.dirname(__file__), 'mended')): os._exit(3)"
EVENTS = 40


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def find_workers(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child) for child in children if b"hub.isolation" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def count_seen(hub):
    return hub.sql("SELECT COUNT(*) FROM deliveries WHERE plugin = 'good' AND outcome = 'done'") == [
        (EVENTS,)
    ]


def is_settled(hub, plugins):
    passed = hub.sql("SELECT COUNT(*) FROM cursors WHERE position = ?", EVENTS) == [(plugins,)]
    return passed and not hub.sql("SELECT 1 FROM deliveries WHERE outcome IN ('retrying', 'running')")


async def in_thread(work, *arguments, **options):
    return await asyncio.to_thread(lambda: work(*arguments, **options))


async def ended_by(hub, device, wait_until, body):
    """Have plugin p end the hub at its first event."""
    hub.install("p", HEAD + f"        {body}\n        return 'seen'\n")
    hub.configure("[plugins.p]\nstart = 'beginning'\n")
    hub.start()
    async with device("porch") as sender:
        sender.record()
        await wait_until(lambda: hub.process.poll() is not None, timeout_s=60)


async def test_isolated_plugins_cost_the_others_nothing_whatever_they_do(hub, device, wait_until):
    tables = "[plugins.good]\n"
    for name, body in BAD.items():
        hub.install(name, HEAD + f"        if event.id == 5:\n            {body}\n")
        tables += f'[plugins.{name}]\nisolation = "process"\nmemory_mb = 256\ntimeout_s = 3\nattempts = 3\n'
    hub.install("good", GOOD)
    hub.configure(tables)
    hub.start()
    async with device("porch") as sender:
        for _ in range(EVENTS):
            sender.record()
        await sender.acked(EVENTS)
    await wait_until(lambda: count_seen(hub), timeout_s=60)
    await wait_until(lambda: is_settled(hub, len(BAD) + 1), timeout_s=90)

    dead = hub.sql("SELECT plugin, event_id FROM deliveries WHERE outcome NOT IN ('done', 'running')")
    assert sorted(dead) == [(name, 5) for name in sorted(BAD)]
    shown = {facts["plugin"]: facts for facts in hub.json("plugins")}
    assert shown["exits"]["isolation"] == "process"
    assert "with exit code 3" in shown["exits"]["reason"]
    assert "SIGKILL" in shown["kills"]["reason"]
    assert "SIGSEGV" in shown["crashes"]["reason"]
    assert "would not be cancelled" in shown["spins"]["reason"]
    assert hub.stop() == 0


async def test_isolated_process_ends_when_the_hub_is_killed(hub, device, wait_until):
    hub.install("p", HEAD + "        time.sleep(1000)\n")
    hub.configure('[plugins.p]\nisolation = "process"\n')
    hub.start()
    async with device("porch") as sender:
        sender.record()
        await sender.acked(1)
    await wait_until(lambda: hub.sql("SELECT outcome FROM deliveries") == [("running",)])
    workers = find_workers(hub.process.pid)
    hub.kill()

    assert len(workers) == 1
    await wait_until(lambda: not is_alive(workers[0]))


@pytest.mark.parametrize("name", ["exits", "kills", "crashes", "spins", "sleeps"])
async def test_plugin_that_ends_or_blocks_the_hub_is_held_back_at_the_next_start(
    hub, device, wait_until, name
):
    hub.install(name, HEAD + f"        {BAD[name]}\n")
    hub.install("good", GOOD)
    hub.configure(f"{WATCHDOG}[plugins.good]\n[plugins.{name}]\n")
    hub.start()
    async with device("porch") as sender:
        sender.record()
        await wait_until(lambda: hub.process.poll() is not None, timeout_s=60)
    hub.start()
    await wait_until(lambda: hub.sql("SELECT outcome FROM deliveries WHERE plugin = 'good'") == [("done",)])

    shown = next(facts for facts in hub.json("plugins") if facts["plugin"] == name)
    assert shown["state"] == "held back"
    assert "event 1" in shown["reason"]
    assert f"lenshub release {name}" in shown["reason"]
    assert f"plugin.held_back {name}" in hub.log()
    assert hub.stop() == 0


async def test_plugin_held_back_runs_again_once_it_is_released(hub, device, wait_until):
    await ended_by(hub, device, wait_until, UNLESS_MENDED)
    hub.start()
    assert "plugins.p: tried again, does not run" in await in_thread(hub.cli, "reload")
    (hub.site / "mended").touch()
    assert "p may run again, once `lenshub reload` is given" in hub.cli("release", "p")
    assert "p is not held back" in hub.cli("release", "p", code=1)
    assert "plugins.p: tried again, runs" in await in_thread(hub.cli, "reload")

    await wait_until(lambda: hub.sql("SELECT outcome, note FROM deliveries") == [("done", "seen")])
    assert hub.stop() == 0


async def test_plugin_held_back_runs_again_at_a_reload_that_puts_it_in_a_process(hub, device, wait_until):
    await ended_by(hub, device, wait_until, "os._exit(3)")
    hub.start()
    hub.configure('[plugins.p]\nisolation = "process"\nattempts = 1\n')
    assert "plugins.p: changed, runs" in await in_thread(hub.cli, "reload")

    await wait_until(lambda: hub.sql("SELECT outcome FROM deliveries") == [("dead",)])
    assert hub.stop() == 0


async def test_plugin_that_came_by_reload_and_ends_the_hub_is_held_back(hub, device, wait_until):
    hub.start()
    hub.install("p", HEAD + "        os._exit(3)\n")
    hub.configure("[plugins.p]\n")
    assert "plugins.p: added, runs" in await in_thread(hub.cli, "reload")
    async with device("porch") as sender:
        sender.record()
        await wait_until(lambda: hub.process.poll() is not None, timeout_s=60)
    hub.start()

    assert hub.json("plugins")[0]["state"] == "held back"
    assert hub.stop() == 0


async def test_reload_refuses_what_an_isolated_plugin_cannot_be_made_of(hub, wait_until):
    hub.install("p", GOOD.replace("        pass\n", "        text: str = ''\n", 1))
    hub.configure('[plugins.p]\nisolation = "process"\n')
    hub.start()
    hub.configure('[plugins.p]\nisolation = "process"\ntext = 1\n')

    assert "plugins.p.text: " in await in_thread(hub.cli, "reload", code=2)
    assert "plugins.p.text: " in await in_thread(hub.cli, "check", code=2)
    await wait_until(lambda: hub.json("plugins")[0]["state"] == "running")
    assert hub.stop() == 0


async def test_hub_that_is_killed_from_outside_holds_nobody_back(hub, device):
    hub.install("good", GOOD)
    hub.configure("[plugins.good]\n")
    for _ in range(2):
        hub.start()
        os.kill(hub.process.pid, signal.SIGKILL)
        hub.process.wait(60)

    (good,) = hub.json("plugins")
    assert good["state"] == "stopped", good
