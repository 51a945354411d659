"""What the plugins' tests share: a real store to deliver from, events with pictures, loaded plugins."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from aiobotocore.session import get_session
from moto.server import ThreadedMotoServer

from hub.decode.message import Decoded, Message
from hub.dispatch.delivery import EventDelivery
from hub.dispatch.frame import FrameOnDisk
from hub.dispatch.retry import RetryPolicy
from hub.dispatch.verdict import Verdict, judge_error, judge_return
from hub.event import Box, Detection, Event, Frame, NewEvent
from hub.loading import Broken, Loaded, load_instance
from hub.plugin import StoredFrame
from hub.store.arrival import Arrival, Burst
from hub.store.database import open_engine, upgrade
from hub.store.frames import FrameStore
from hub.store.log import EventLog
from hub.store.writer import Writer

MOMENT = datetime(2018, 8, 16, 18, 31, 52, 250_000, tzinfo=UTC)
THUMB = Detection(
    label="thumbs-up", confidence=0.93, box=Box(left=0.25, top=0.25, width=0.25, height=0.5), class_id=0
)


def make_picture(width: int = 320, height: int = 180, shade: int = 90) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((height, width, 3), shade, np.uint8))
    assert done
    return data.tobytes()


def make_frame(picture: bytes, width: int, height: int) -> Frame:
    digest = hashlib.sha256(picture).hexdigest()
    return Frame(digest=digest, width=width, height=height, media_type="image/jpeg")


class Hub:
    """A real store in a folder, with a clock of its own; delivers single events as dispatch does."""

    def __init__(self, data_dir: Path, writer: Writer, log: EventLog, frames: FrameStore) -> None:
        self.data_dir = data_dir
        self.writer = writer
        self.log = log
        self.frames = frames
        self.now = MOMENT

    async def store(
        self, picture: bytes | None = None, size: tuple[int, int] = (320, 180), **members: Any
    ) -> Event:
        """Store one event and return it; members replace those of a thumb seen on Seattle01."""
        values: dict[str, Any] = {
            "source": "mqtt",
            "device": "Seattle01",
            "captured_at": self.now,
            "detections": (THUMB,),
            "frame": make_frame(picture, *size) if picture is not None else None,
        }
        event = NewEvent(**values | members)
        message = Message("mqtt", "a/topic", b"payload", self.now)
        done = asyncio.Event()
        decoded = Decoded(events=(event,), picture=picture, device=event.device)
        self.writer.add(Burst((Arrival(message, decoded),), lambda _: done.set()))
        await done.wait()
        return (await self.log.by_ids([await self.log.newest_id()]))[0]

    def frame(self, event: Event) -> StoredFrame | None:
        """Return the event's frame as a plugin gets it."""
        return FrameOnDisk.of(event, self.frames)

    async def deliver(self, loaded: Loaded, event: Event, attempt: int = 1) -> Verdict:
        """Make one attempt and judge it as dispatch does."""
        name = loaded.instance.name
        delivery = EventDelivery(name, event, attempt, self.writer, self.log, lambda: self.now)
        try:
            return judge_return(await loaded.instance.deliver(event, self.frame(event), delivery))
        except Exception as error:  # noqa: BLE001 - as dispatch does
            return judge_error(error, attempt, RetryPolicy(8), left_unknown=delivery.left_unknown)

    async def tick(self, loaded: Loaded) -> None:
        """Let an instance look at the clock, as dispatch does every few seconds."""
        newest = Event.model_construct(id=await self.log.newest_id())
        delivery = EventDelivery(loaded.instance.name, newest, 1, self.writer, self.log, lambda: self.now)
        await loaded.plugin.tick(self.now, delivery)

    @asynccontextmanager
    async def running(self, name: str, **table: Any) -> AsyncIterator[Loaded]:
        """Load an instance of a table of hub.toml, enter it and leave it."""
        loaded = load_instance(name, table, self.data_dir)
        assert isinstance(loaded, Loaded), loaded
        if not hasattr(loaded.plugin, "__aenter__"):
            yield loaded
            return
        async with loaded.plugin:
            yield loaded


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A running store in an empty folder."""
    await asyncio.to_thread(upgrade, tmp_path)
    engine, frames = open_engine(tmp_path), FrameStore(tmp_path / "frames")
    writer = await Writer.open(tmp_path, frames)
    writing = asyncio.create_task(writer.run())
    yield Hub(tmp_path, writer, EventLog(engine), frames)
    writer.close()
    await writing
    await engine.dispose()


@pytest.fixture
def picture() -> bytes:
    """A grey JPEG of 320 x 180 pixels."""
    return make_picture()


@pytest.fixture
def problems(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """A function from a plugin's table to what `lenshub check` says of it."""

    def find(name: str, **table: Any) -> tuple[str, ...]:
        found = load_instance(name, table, tmp_path)
        return found.problems if isinstance(found, Broken) else ()

    return find


def load_beside(name: str) -> Any:
    """Import a module of this folder; its tests are no package."""
    path = Path(__file__).with_name(f"{name}.py")
    specification = importlib.util.spec_from_file_location(f"plugin_tests_{name}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
async def webhook() -> AsyncIterator[Any]:
    """A running receiver of alerts; see webhook.py."""
    async with load_beside("webhook").Webhook() as running:
        yield running


@pytest.fixture
async def x(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A running stand-in for X, see x_server.py, with its keys in the environment."""
    module = load_beside("x_server")
    for name, value in module.KEYS.items():
        monkeypatch.setenv(name, value)
    async with module.XServer() as running:
        yield running


@pytest.fixture
def ledger() -> Any:
    """The `calls` of a picture, for rekognition; see rekognition_ledger.py."""
    return load_beside("rekognition_ledger").Ledger()


@pytest.fixture
def batch() -> Any:
    """A batch that remembers, for rekognition; see rekognition_ledger.py."""
    return load_beside("rekognition_ledger").Memory()


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """The address of a running S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A client of it, with credentials in the environment and an empty bucket `archive`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    async with get_session().create_client("s3", endpoint_url=s3_server, region_name="us-east-1") as client:
        await client.create_bucket(Bucket="archive")
        yield client
        listed = await client.list_objects_v2(Bucket="archive")
        for item in listed.get("Contents", ()):
            await client.delete_object(Bucket="archive", Key=item["Key"])


@pytest.fixture
async def faulty_s3(s3_server: str, s3: Any) -> AsyncIterator[Any]:
    """A proxy in front of the S3 server that does to requests what it is told; see faulty_s3.py."""
    async with load_beside("faulty_s3").FaultyS3(s3_server) as running:
        yield running
