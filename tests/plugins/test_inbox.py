"""Files in a folder become events, and are removed once those are committed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.companion import Companion
from hub.plugin import Message, PluginContext
from hub.program import Config, make_decoders
from hub.store import overview
from plugins.inbox import Inbox

SEEN = {"device": "door", "detections": [{"label": "cup", "confidence": 0.9}]}


@pytest.fixture
def drop(tmp_path: Path) -> Callable[..., Path]:
    """A function that puts a file, complete and no longer written to, into the inbox."""
    (tmp_path / "inbox").mkdir()

    def put(
        name: str, content: bytes | dict[str, Any], picture: bytes | None = None, age_s: int = 10
    ) -> Path:
        path = tmp_path / "inbox" / name
        if picture is not None:
            path.with_suffix(".jpg").write_bytes(picture)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=1).encode())
        moment = path.stat().st_mtime - age_s
        os.utime(path, (moment, moment))
        return path

    return put


@pytest.fixture
def taking(hub: Any) -> Callable[[], Any]:
    @asynccontextmanager
    async def run() -> AsyncIterator[Any]:
        async with hub.running("inbox", every_s=0.01) as loaded:
            companion = Companion(hub.writer, make_decoders(Config()), frozenset(), hub.log, hub.data_dir)
            task = asyncio.create_task(companion.run(loaded))
            try:
                yield loaded
            finally:
                task.cancel()
                await asyncio.wait([task])

    return run


def left(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "inbox").iterdir()}


def decode_file(content: bytes) -> Any:
    context = PluginContext("inbox", Path(), logging.getLogger("inbox"))
    message = Message("inbox", "inbox/1/a.json", content, datetime.now(UTC))
    (event,) = Inbox(Inbox.Settings(), context).decode(message).events
    return event


async def test_inbox_stores_files_with_pictures_in_order_and_removes_them(
    hub: Any, drop: Any, taking: Any, picture: bytes, tmp_path: Path, wait_until: Any
) -> None:
    drop("b.json", SEEN | {"attributes": {"shelf": 3}}, picture, age_s=20)
    drop("a.json", SEEN | {"captured_at": "2026-11-21T12:00:00+02:00"})
    async with taking():
        await wait_until(lambda: not left(tmp_path))
        first, second = await hub.log.by_ids([1, 2])

    assert (first.attributes, first.device, first.frame.width) == ({"shelf": 3}, "door", 320)
    assert await hub.frame(first).read() == picture
    assert second.captured_at.isoformat() == "2026-11-21T10:00:00+00:00"
    assert second.source == "inbox"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file: Invalid JSON"),
        (b'{"device": "../x"}', "device: String should match"),
        (b'{"detections": []}', "device: Field required"),
        (b"[" * 5000, "the file: Invalid JSON"),
        (
            b'{"device": "a", "detections": [{"label": "x", "confidence": NaN}]}',
            "confidence: Input should be",
        ),
        (
            b'{"camera": "a", "detections": [{"label": "x", "box": {"left": 0, "top": 0, "w": 1}}]}',
            (
                "device: Field required; detections.0.confidence: Field required; "
                "detections.0.box.width: Field required; detections.0.box.height: Field required; "
                "detections.0.box.w: unknown (known: left, top, width, height); "
                "camera: unknown (known: device, captured_at, source, model, detections, attributes)"
            ),
        ),
        (b'{"device": "a", "detections": [' + b"1," * 20 + b"1]}", "; and 11 more"),
    ],
)
async def test_inbox_puts_what_it_cannot_read_into_quarantine(
    hub: Any, drop: Any, taking: Any, tmp_path: Path, wait_until: Any, content: bytes, reason: str
) -> None:
    drop("a.json", content)
    async with taking():
        await wait_until(lambda: not left(tmp_path))
    (refused,) = await overview.list_quarantine(hub.log._engine)

    assert refused["code"] == "bad_event"
    assert reason in refused["reason"]


async def test_inbox_says_what_it_took_and_refused(
    drop: Any, taking: Any, tmp_path: Path, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    drop("bad one.json", {"device": "door", "bogus": 1})
    drop("good.json", SEEN)
    async with taking() as loaded:
        await wait_until(lambda: not left(tmp_path))

        assert loaded.hooks["status"]() == "1 event, 1 refused: see `lenshub quarantine list`"
    assert "refused bad one.json: bad_event: bogus: unknown (known: device, " in caplog.text


def test_docs_example_file_is_an_event_with_box_and_camera() -> None:
    section = (Path(__file__).parents[2] / "docs/plugins.md").read_text().split("\n## inbox\n")[1]
    (example,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    event = decode_file(example.encode())

    assert (event.detections[0].box is not None, event.attributes["camera"]) == (True, "shelf")


async def test_inbox_leaves_links_and_files_that_are_being_written_alone(
    drop: Any, taking: Any, tmp_path: Path, wait_until: Any
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(SEEN))
    (tmp_path / "inbox" / "link.json").symlink_to(secret)
    drop("fresh.json", SEEN, age_s=-3600)
    os.utime(tmp_path / "inbox" / "fresh.json")
    drop("old.json", SEEN)
    async with taking():
        await wait_until(lambda: "old.json" not in left(tmp_path))

        assert "link.json" in left(tmp_path)
    assert secret.exists()


async def test_inbox_says_what_it_cannot_take(
    drop: Any, taking: Any, tmp_path: Path, wait_until: Any
) -> None:
    drop("large.json", b" " * (16 * 1024 * 1024 + 1))
    async with taking() as loaded:
        await wait_until(lambda: loaded.hooks["status"]().startswith("0 events, 1 left alone: above 16 MiB"))

    assert left(tmp_path) == {"large.json"}
