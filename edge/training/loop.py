# mypy: disable-error-code="import-not-found, misc, no-untyped-call"
# torch is no dependency of the project, so its types are unknown here.
"""The training loop that both models share: endless fresh batches, one rise and fall of the rate."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

LOG = logging.getLogger("edge.training")


class Batches(IterableDataset):
    """Batches without end, drawn in other processes, each with a seed of its own."""

    def __init__(self, draw: Callable[[np.random.Generator], Any], seed: int) -> None:
        self._draw, self._seed = draw, seed

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        while True:
            yield self._draw(rng)


def train(
    network: nn.Module,
    draw: Callable[[np.random.Generator], Any],
    measure: Callable[[nn.Module, Any], Tensor],
    options: argparse.Namespace,
) -> None:
    """Train a network, in place, for `options.steps` batches, or `options.minutes` at most.

    Its state is kept in network.pt every hundred batches.

    Args:
        draw: Makes a batch; called in `options.workers` processes.
        measure: Returns the loss of a batch.
        options: As `read_options` gives them.
    """
    if options.start:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=1e-3)
    batches = iter(
        DataLoader(Batches(draw, options.seed), None, num_workers=options.workers, prefetch_factor=4)
    )
    began, total = time.monotonic(), 0.0
    for step in range(options.steps):
        done = max(step / options.steps, (time.monotonic() - began) / (options.minutes * 60))
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1.0, 0.1 + done * 18, 1.02 - done)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            loss = measure(network, next(batches))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        total += loss.item()
        if step % 100 == 99:
            LOG.info("step %d, %.0f %% done: loss %.4f", step + 1, done * 100, total / 100)
            total = 0.0
            torch.save(network.state_dict(), options.out / "network.pt")


def read_options(about: str | None, *, rate: float, steps: int) -> argparse.Namespace:
    """Read a training script's command line, and prepare torch and the log accordingly."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--out", type=Path, required=True, help="the folder for model.xml, model.bin and network.pt"
    )
    parser.add_argument("--start", type=Path, help="go on from the network.pt of an earlier training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop then at the latest")
    parser.add_argument("--rate", type=float, default=rate, help="the highest learning rate")
    parser.add_argument("--bf16", action="store_true", help="faster on CPUs with AVX512-BF16 or AMX")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    cv2.setNumThreads(0)  # a thread pool would not survive the fork into the processes that draw
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    return options
