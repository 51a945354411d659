# mypy: disable-error-code="import-not-found, no-any-return, misc, no-untyped-call"
# torch is no dependency of the project, so its types are unknown here.
"""Trains the thumbs-up detector and writes its IR: `python -m edge.training.thumbs_up --out FOLDER`."""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import Tensor

from edge.runtime import load_openvino
from edge.training.network import STRIDE, Detector, Export, cell_corners
from edge.training.pictures import SIDE, Sample, draw_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = SIDE // STRIDE
BATCH = 32
PEAK_RATE = 4e-3
LOG = logging.getLogger("edge.training")


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures (n, 3, 192, 192) with their targets: heat, box corners in cells, and where boxes count."""

    pictures: Tensor
    heat: Tensor
    corners: Tensor
    counts: Tensor


def _draw_targets(sample: Sample) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    heat = np.zeros((1, CELLS, CELLS), np.float32)
    corners = np.zeros((4, CELLS, CELLS), np.float32)
    counts = np.zeros((1, CELLS, CELLS), np.float32)
    y, x = np.mgrid[:CELLS, :CELLS]
    for box in sample.boxes / STRIDE:
        column, row = ((box[:2] + box[2:]) / 2).astype(int).clip(0, CELLS - 1)
        radius = max(1.0, float((box[2:] - box[:2]).max()) * 0.16)
        bump = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * radius**2)).astype(np.float32)
        heat[0] = np.maximum(heat[0], np.where(bump < 0.1, 0, bump))
        near = (slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2))
        corners[:, *near] = box[:, None, None]
        counts[:, *near] = 1
    return heat, corners, counts


def _make_batch(rng: np.random.Generator) -> Batch:
    samples = [draw_sample(rng) for _ in range(BATCH)]
    targets = [_draw_targets(sample) for sample in samples]
    heat, corners, counts = (torch.from_numpy(np.stack(part)) for part in zip(*targets, strict=True))
    pictures = np.stack([sample.pixels for sample in samples]).transpose(0, 3, 1, 2)
    return Batch(torch.from_numpy(pictures.astype(np.float32)), heat, corners, counts)


def _heat_loss(logits: Tensor, heat: Tensor) -> Tensor:
    """Penalty-reduced focal loss (Law and Deng, CornerNet, 2018)."""
    score = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    peak = (heat == 1).float()
    hit = peak * score.log() * (1 - score) ** 2
    miss = (1 - peak) * (1 - score).log() * score**2 * (1 - heat) ** 4
    return -(hit + miss).sum() / peak.sum().clamp(min=1)


def _box_loss(sides: Tensor, batch: Batch) -> Tensor:
    """1 - generalised intersection over union (Rezatofighi, 2019), over the cells that count."""
    mask = batch.counts.expand_as(sides)[:, 0] > 0
    found = cell_corners(sides).permute(0, 2, 3, 1)[mask]
    wanted = batch.corners.permute(0, 2, 3, 1)[mask]
    if len(found) == 0:
        return sides.sum() * 0
    inner = (torch.min(found[:, 2:], wanted[:, 2:]) - torch.max(found[:, :2], wanted[:, :2])).clamp(min=0)
    outer = torch.max(found[:, 2:], wanted[:, 2:]) - torch.min(found[:, :2], wanted[:, :2])
    shared, hull = inner.prod(1), outer.prod(1)
    union = (found[:, 2:] - found[:, :2]).prod(1) + (wanted[:, 2:] - wanted[:, :2]).prod(1) - shared
    return (1 - shared / union + (hull - union) / hull).mean()


def train(seed: int, steps: int, limit_s: float) -> Detector:
    """Return a detector trained on fresh pictures for `steps` batches, or `limit_s` seconds at most."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    detector = Detector().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(detector.parameters(), PEAK_RATE, weight_decay=1e-3)
    began = time.monotonic()
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - began) / limit_s)
        if done >= 1:
            break
        rate = PEAK_RATE * min(1.0, 0.1 + done * 18, 1.02 - done)
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = _make_batch(rng)
        heat, sides = detector(batch.pictures.contiguous(memory_format=torch.channels_last))
        losses = _heat_loss(heat, batch.heat), _box_loss(sides, batch)
        optimiser.zero_grad()
        (losses[0] + 2 * losses[1]).backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
        optimiser.step()
        if step % 100 == 0:
            heat_loss, box_loss = (loss.item() for loss in losses)
            LOG.info("step %d, %.0f %% done: heat %.3f, box %.3f", step, done * 100, heat_loss, box_loss)
    return detector.eval()


def export(detector: Detector, folder: Path) -> None:
    """Write model.xml and model.bin (weights as FP16) into a folder."""
    example: Any = torch.zeros(1, 3, SIDE, SIDE)
    openvino = load_openvino()
    model = openvino.convert_model(Export(detector).eval(), example_input=example, input=[1, 3, SIDE, SIDE])
    model.inputs[0].get_tensor().set_names({"image"})
    model.outputs[0].get_tensor().set_names({"detections"})
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=True)


def main() -> None:
    """Read the command line, train and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    export(train(options.seed, options.steps, options.minutes * 60), options.out)


if __name__ == "__main__":
    main()
