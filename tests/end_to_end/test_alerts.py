"""Alerts of a real hub: silence told by the clock, over a restart, escalated and acknowledged."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

CONFIG = """\
[plugins.silence]
use = "threshold-alerts"
rule = "absent"
after_s = 3
tick_s = 1
allow_hosts = ["127.0.0.1"]
[[plugins.silence.webhooks]]
url = "http://127.0.0.1:{port}/me"
[[plugins.silence.escalations]]
after_s = 1
webhooks = [{{ url = "http://127.0.0.1:{port}/boss" }}]
[[plugins.silence.escalations]]
after_s = 86400
"""


async def test_silence_is_told_once_over_a_restart_then_escalated_acknowledged_and_over(
    hub: Any, device: Any, wait_until: Any
) -> None:
    posts: list[tuple[str, dict[str, Any]]] = []

    async def take(request: web.Request) -> web.Response:
        posts.append((request.path, json.loads(await request.read())))
        return web.Response()

    application = web.Application()
    application.router.add_post("/{name}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hub.configure(CONFIG.format(port=runner.addresses[0][1]))
    await asyncio.to_thread(hub.start)

    password = hub.add_device("porch")
    async with device("porch", password) as porch:
        await porch.acked(porch.record())
        await wait_until(lambda: len(posts) == 2, 60)
        told = [(path, post["notice"], post["title"]) for path, post in posts]
        assert told == [
            ("/me", "alert", "nothing for 3 seconds on porch"),
            ("/boss", "escalated", "Nobody acknowledged for 1 second: nothing for 3 seconds on porch"),
        ]
        # Heard by us is not yet known to the hub: what it is cut off at, it says once more.
        await wait_until(lambda: [alert["sent"] for alert in hub.json("alerts", "list")] == [2])
        await asyncio.to_thread(hub.stop)
        await asyncio.to_thread(hub.start)
    alert = posts[0][1]["alert"]
    assert "is acknowledged" in hub.cli("alerts", "ack", alert)

    async with device("porch", password) as porch:
        porch.plain(b"NO DETECTIONS MADE")
        await wait_until(lambda: len(posts) == 3, 60)
    assert (posts[2][1]["notice"], posts[2][1]["alert"]) == ("recovered", alert)
    await wait_until(lambda: [alert["sent"] for alert in hub.json("alerts", "list")] == [3])
    (listed,) = hub.json("alerts", "list")
    assert (listed["place"], listed["unknown"]) == ("porch", 0)
    assert listed["ended_at"]
    assert listed["acknowledged_at"]
    await runner.cleanup()
