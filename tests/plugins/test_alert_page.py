"""The page behind a signed link: what it shows, what its button does, and what it refuses."""

from __future__ import annotations

import asyncio
import re
import stat
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from hub.loading import Broken, load_instance


@pytest.fixture
def table(webhook: Any, free_port: int) -> dict[str, Any]:
    """A table whose notices have links to a page on this machine."""
    return {
        "webhooks": [{"url": f"http://{webhook.address}/me"}],
        "allow_hosts": ["127.0.0.1"],
        "log": False,
        "acknowledge": {"url": f"http://127.0.0.1:{free_port}/door", "port": free_port},
        "escalations": [{"after_s": 600}],
    }


async def alert(hub: Any, alerts: Any, webhook: Any) -> str:
    """Have an alert told; return its link."""
    hub.now = datetime.now(UTC)
    assert (await hub.deliver(alerts, await hub.store())).outcome == "done"
    return str(webhook.posts[-1][1]["acknowledge"])


async def ask(method: str, link: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, link) as answer:
        return answer.status, await answer.text()


def acknowledged(hub: Any) -> Any:
    async def find() -> list[str]:
        rows = await hub.log.ask(lambda c: c.exec_driver_sql("SELECT key FROM effects").all())
        return [key for (key,) in rows if key.startswith("ack/")]

    return find()


async def test_link_acknowledges_when_its_button_is_pressed_and_not_before(
    hub: Any, webhook: Any, table: dict[str, Any], caplog: Any
) -> None:
    async with hub.running("threshold-alerts", **table | {"log": True}) as alerts:
        link = await alert(hub, alerts, webhook)
        status, page = await ask("GET", link)
        await hub.tick(alerts)
        assert (status, await acknowledged(hub)) == (200, [])
        assert "Alert 1 of threshold-alerts" in page
        assert '<form method="post">' in page

        pressed = asyncio.create_task(ask("POST", link))
        while not pressed.done():
            await hub.tick(alerts)
            await asyncio.sleep(0.01)
        assert pressed.result()[0] == 200
        assert link.rpartition("/")[2] not in caplog.text, "who reads the log cannot acknowledge"
        assert "is acknowledged" in pressed.result()[1]
        assert await acknowledged(hub) == ["ack/1"]

        hub.now += timedelta(seconds=700)
        await hub.tick(alerts)
    assert [post["notice"] for _, post in webhook.posts] == ["alert"], "nobody else is told"


async def test_link_comes_with_escalations_too_and_outlives_a_restart(
    hub: Any, webhook: Any, table: dict[str, Any]
) -> None:
    async with hub.running("threshold-alerts", **table) as alerts:
        link = await alert(hub, alerts, webhook)
        hub.now += timedelta(seconds=700)
        await hub.tick(alerts)
    escalated = webhook.posts[-1][1]
    assert (escalated["notice"], escalated["acknowledge"]) == ("escalated", link)
    assert f"I have seen it: {link}" in escalated["body"]
    assert stat.S_IMODE((hub.data_dir / "threshold-alerts.link-secret").stat().st_mode) == 0o600

    async with hub.running("threshold-alerts", **table):
        assert (await ask("GET", link))[0] == 200


async def test_page_refuses_what_it_did_not_sign(hub: Any, webhook: Any, table: dict[str, Any]) -> None:
    async with hub.running("threshold-alerts", **table) as alerts:
        link = await alert(hub, alerts, webhook)
        base, _, token = link.rpartition("/")
        for wrong in (token[:-1], "a.b", "%00", "..%2f..", token.replace(".", "..")):
            assert (await ask("POST", f"{base}/{wrong}"))[0] == 403
        assert (await ask("GET", re.sub(r"/door/.*", "/", link)))[0] == 404
        await hub.tick(alerts)
    assert await acknowledged(hub) == []


async def test_page_whose_port_is_taken_keeps_its_plugin_from_starting(
    hub: Any, table: dict[str, Any]
) -> None:
    async with hub.running("threshold-alerts", **table):
        with pytest.raises(OSError, match=r"acknowledge\.port: 127\.0\.0\.1:\d+ cannot be used"):
            async with hub.running("threshold-alerts", **table):
                pass


async def test_page_says_nothing_in_the_log_of_what_it_cannot_read(
    hub: Any, table: dict[str, Any], caplog: Any
) -> None:
    async with hub.running("threshold-alerts", **table):
        reader, writer = await asyncio.open_connection("127.0.0.1", table["acknowledge"]["port"])
        writer.write(b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        assert b" 40" in await reader.readline()
        writer.close()
    assert caplog.records == []


@pytest.mark.parametrize("kept", [b"", b"short"])
async def test_secret_that_anybody_could_guess_keeps_the_plugin_from_starting(
    hub: Any, table: dict[str, Any], kept: bytes
) -> None:
    (hub.data_dir / "threshold-alerts.link-secret").write_bytes(kept)
    with pytest.raises(ValueError, match="is no secret of 32 bytes"):
        async with hub.running("threshold-alerts", **table):
            pass


def test_links_that_nobody_would_get_are_refused(tmp_path: Any) -> None:
    table = {"acknowledge": {"url": "https://hub.example/door", "port": 8085}}
    found = load_instance("threshold-alerts", table, tmp_path)
    assert isinstance(found, Broken)
    assert "acknowledge would do nothing" in found.problems[0]
