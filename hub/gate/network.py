"""A gate's model run by OpenVINO in the hub: some threads, each with what waits, several pictures at once."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hub.errors import ConfigError, PayloadError
from hub.gate.card import NETWORK, GateCard, find_model, read_card

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 4
"""Pictures that a thread takes at once, when many wait. Each costs as much alone (11 ms of a
processor by 1, 2, 4 or 8), but with fewer hops between threads; with more the first one would wait longer."""
EXTRA = "pip install 'lenshub[gate]'"


@dataclass(frozen=True, slots=True)
class _Waiting:
    data: bytes
    width: int
    height: int
    answer: asyncio.Future[float]


class GateNetwork:
    """Scores pictures. An async context manager; loading it takes a second and happens in a thread.

    Who calls `score` waits for a thread; how many may call at a time is up to the callers.

    Args:
        model: A shipped model's name, or a folder.
        threads: How many pictures or batches are worked on at a time, each on one processor.

    Raises:
        ConfigError: From `__aenter__`: OpenVINO or the model is missing or does not fit its card.
    """

    def __init__(self, model: Path, threads: int | None = None) -> None:
        self._model = model
        self._threads = threads or len(os.sched_getaffinity(0))
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[_Waiting] = deque()
        self._busy: set[asyncio.Task[None]] = set()
        self._idle: deque[Any] = deque()
        self.card = read_card(find_model(model))

    async def __aenter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="gate")
        try:
            self._idle = await asyncio.get_running_loop().run_in_executor(self._pool, self._load)
        except BaseException:
            self._pool.shutdown(wait=False)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown)

    async def score(self, data: bytes, width: int, height: int) -> float:
        """Return a picture's score, 0 to 1; raises PayloadError where it cannot be decoded."""
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(data, width, height, answer))
        if self._idle:
            task = asyncio.create_task(self._work(self._idle.popleft()), name="gate")
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
        return await answer

    async def _work(self, request: Any) -> None:
        """Answer until nobody waits, then give the request back."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                share = -(-len(self._waiting) // self._threads)
                taken = [self._waiting.popleft() for _ in range(min(BATCH, share))]
                answers = await loop.run_in_executor(self._pool, self._answer, request, taken)
                for one, answer in zip(taken, answers, strict=True):
                    _settle(one.answer, answer)
        finally:
            self._idle.append(request)

    def _answer(self, request: Any, taken: list[_Waiting]) -> list[float | Exception]:
        try:
            read = [self._read(one) for one in taken]
            good = [pixels for pixels in read if not isinstance(pixels, Exception)]
            scores = iter(infer(request, good)) if good else iter(())
            return [one if isinstance(one, Exception) else next(scores) for one in read]
        except Exception as error:  # noqa: BLE001 - each caller gets it
            return [error] * len(taken)

    def _read(self, one: _Waiting) -> NDArray[np.float32] | PayloadError:
        from hub.gate.pixels import read_pixels

        try:
            return read_pixels(one.data, one.width, one.height, self.card)
        except PayloadError as error:
            return error

    def _load(self) -> deque[Any]:
        network = load(self._model, self.card, self._threads)
        return deque(network.create_infer_request() for _ in range(self._threads))


def _settle(answer: asyncio.Future[float], found: float | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def infer(request: Any, pictures: list[NDArray[np.float32]]) -> list[float]:
    """Return a score for each (1, 3, height, width) picture."""
    import numpy as np

    request.infer([pictures[0] if len(pictures) == 1 else np.concatenate(pictures)], share_inputs=True)
    return [float(score) for score in request.get_output_tensor(0).data.reshape(-1)]


def load(model: Path, card: GateCard, threads: int) -> Any:
    """Return the compiled network; it takes any number of pictures at once.

    Where the CPU can, OpenVINO computes with 16 bits: twice as fast, and scores of the shipped gate differ by
    0.003 at most.

    Raises:
        ConfigError: OpenVINO or the model is missing or does not fit its card.
    """
    openvino = load_openvino()
    path = find_model(model) / NETWORK
    try:
        network = openvino.Core().read_model(path)
        network.reshape([-1, 3, card.height, card.width])
        if (shape := network.output(0).partial_shape).rank.get_length() != 2 or shape[1] != 1:
            raise ConfigError(f"{path}: answers {shape}, not one score a picture")
        options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
        return openvino.Core().compile_model(network, "CPU", options)
    except RuntimeError as error:
        raise ConfigError(f"{path}: cannot be used: {str(error).strip().splitlines()[-1]}") from error


def load_openvino() -> Any:
    """Import OpenVINO; without `openvino_telemetry`, which reports on whoever has not declined."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise ConfigError(f"a gate with a model needs OpenVINO: {EXTRA}") from error
