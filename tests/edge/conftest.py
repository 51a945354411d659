"""What the agent's tests share: a small hub that speaks the wire protocol, and the program of the agent."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hub.draw.picture import encode_jpeg
from hub.wire.connection import Connection, Received
from hub.wire.protocol import (
    UPWARD_FILTERS,
    Ack,
    Gap,
    Hello,
    ack_topic,
    parse_position,
    parse_upward,
    split_record,
)


class SmallHub:
    """Keeps what agents send, in memory: admits exactly the next number and acknowledges each burst."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.records: list[tuple[str, int, bytes, bytes | None]] = []
        self.stale = 0
        self.stands: dict[str, int] = {}
        self.hellos: list[Hello] = []
        self.gaps: list[Gap] = []
        self.statuses: list[dict[str, Any]] = []
        self.answers = self.acknowledges = self.admits = True
        self.topics: set[str] = set()

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self._connection = await self._stack.enter_async_context(
            Connection("127.0.0.1", self._port, client_id="hub")
        )
        await self._connection.subscribe(UPWARD_FILTERS)
        self._task = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stack.aclose()

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """The places of the records it has, in the order of admission."""
        return [(epoch, seq) for epoch, seq, _, _ in self.records]

    def say(self, device: str, ack: Ack) -> None:
        self._connection.publish_soon(ack_topic(device), ack.model_dump_json().encode())

    async def _serve(self) -> None:
        while True:
            burst = await self._connection.receive()
            moved = {place for message in burst if (place := self._take(message))}
            self._connection.acknowledge(burst)
            for device, epoch in moved:
                if self.acknowledges:
                    self.say(device, Ack(epoch=epoch, seq=self.stands[epoch]))

    def _take(self, message: Received) -> tuple[str, str] | None:
        self.topics.add(message.topic)
        if position := parse_position(message.topic):
            return self._admit(position.device, position.epoch, position.seq, position.seq, message.payload)
        parsed = parse_upward(message.topic)
        assert parsed, message.topic
        device, kind = parsed
        if kind == "hello":
            self._greet(device, Hello.model_validate_json(message.payload))
        elif kind == "gap":
            gap = Gap.model_validate_json(message.payload)
            self.gaps.append(gap)
            return self._admit(device, gap.epoch, gap.first, gap.last, None)
        else:
            self.statuses.append(json.loads(message.payload))
        return None

    def _admit(
        self, device: str, epoch: str, first: int, last: int, payload: bytes | None
    ) -> tuple[str, str] | None:
        if not self.admits or first != self.stands.get(epoch, 0) + 1:
            self.stale += 1
            return None
        self.stands[epoch] = last
        if payload is not None:
            self.records.append((epoch, first, *split_record(payload)))
        return device, epoch

    def _greet(self, device: str, hello: Hello) -> None:
        self.hellos.append(hello)
        if self.answers:
            seq = self.stands.setdefault(hello.epoch, 0)
            self.say(device, Ack(epoch=hello.epoch, seq=seq, hello=hello.nonce))


@pytest.fixture
async def small_hub(broker: Any) -> AsyncIterator[SmallHub]:
    """A hub on the `broker`, with `records`, `hellos`, `gaps`, `statuses`, and switches for what it does."""
    async with SmallHub(broker.port) as hub:
        yield hub


@pytest.fixture
def make_hub(broker: Any) -> Callable[[], SmallHub]:
    """A function that makes a further hub, to be entered, where a test stops one and starts another."""
    return lambda: SmallHub(broker.port)


@pytest.fixture
async def in_background() -> AsyncIterator[Callable[[Awaitable[None]], asyncio.Task[None]]]:
    """A function that runs an awaitable as a task, which is cancelled when the test ends."""
    tasks: list[asyncio.Task[None]] = []

    def start(work: Awaitable[None]) -> asyncio.Task[None]:
        tasks.append(asyncio.ensure_future(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


class NetworkCamera(ThreadingHTTPServer):
    """Speaks MJPEG over HTTP: `pictures` a connection, then it hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Viewer)
        self.pictures = 12
        self.url = f"http://127.0.0.1:{self.server_address[1]}/video.mjpeg"
        self.jpeg = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A viewer that went away is none of our business."""


class _Viewer(BaseHTTPRequestHandler):
    server: NetworkCamera

    def do_GET(self) -> None:
        jpeg = self.server.jpeg
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        for _ in range(self.server.pictures):
            self.wfile.write(head + jpeg + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def network_camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkCamera]:
    """A network camera with `url`, `pictures` a connection; a lost one is opened again soon."""
    monkeypatch.setattr("edge.camera.RETRY_S", 0.05)
    with NetworkCamera() as camera:
        thread = threading.Thread(target=camera.serve_forever, args=(0.05,))
        thread.start()
        yield camera
        camera.shutdown()
        thread.join()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of the loopback on which connections are accepted, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


Met = list[Callable[[int], object]]


@pytest.fixture
def fickle_port() -> Iterator[tuple[int, Met]]:
    """A port that hangs up on everybody, and a list of what to call with the number of those met so far."""
    met: Met = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:

        def hang_up() -> None:
            for count in itertools.count(1):
                try:
                    server.accept()[0].close()
                except OSError:
                    return
                for tell in met:
                    tell(count)

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield server.getsockname()[1], met
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


class RtspCamera:
    """A real RTSP server in a process of its own, which plays a clip of 64 x 48 pixels at 25 a second.

    It can be started, killed and paused; its port stays the same.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._port = port
        self.url = f"rtsp://127.0.0.1:{port}/clip.mp4?play_count=0"
        program = "import asyncio, sys; from aio_rtsp_toolkit.server import serve\n"
        program += "asyncio.run(serve(sys.argv[1], '127.0.0.1', int(sys.argv[2])))"
        self._command = [sys.executable, "-c", program, str(folder), str(port)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return once it accepts connections; nothing happens if it is running."""
        if self._process is None:
            self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        pytest.fail("the RTSP server did not start")

    def pause(self) -> None:
        """Let it say nothing more, and keep its connections."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None


@pytest.fixture
def rtsp_camera(find_free_port: Callable[[], int], tmp_path: Path) -> Iterator[RtspCamera]:
    """A running RTSP server with `url`, `start()`, `pause()` and `kill()`."""
    (tmp_path / "media").mkdir()
    save_h264(tmp_path / "media" / "clip.mp4")
    camera = RtspCamera(tmp_path / "media", find_free_port())
    camera.start()
    yield camera
    camera.kill()


def save_h264(path: Path) -> None:
    """Write four seconds of H.264 video, which OpenCV's FFmpeg can read but not write."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"g": "5", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for grey in range(100):
            pixels = np.full((48, 64, 3), grey, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        file.mux(stream.encode())


@pytest.fixture
def save_onnx() -> Callable[..., Path]:
    """A function that writes an ONNX classifier of three classes with made-up weights, and returns its path.

    Args:
        path: Where to write it.
        shape: Of its input, a text for a side that stays open.
        ending: What comes last: "Identity" leaves logits, "Softmax" makes probabilities.
        kind: The type of its input.
    """

    def save(
        path: Path, shape: Any = (1, 3, 16, 16), ending: str = "Identity", kind: int = TensorProto.FLOAT
    ) -> Path:
        rng = np.random.default_rng(7)
        weights = {"w": rng.normal(0, 0.02, (8, shape[1], 3, 3)), "v": rng.normal(0, 1, (8, 3))}
        nodes = [
            helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Conv", ["f", "w"], ["c"]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("GlobalAveragePool", ["r"], ["g"]),
            helper.make_node("Flatten", ["g"], ["l"]),
            helper.make_node("MatMul", ["l", "v"], ["m"]),
            helper.make_node(ending, ["m"], ["y"]),
        ]
        graph = helper.make_graph(
            nodes,
            "classifier",
            [helper.make_tensor_value_info("x", kind, list(shape))],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], 3])],
            [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        return path

    return save
