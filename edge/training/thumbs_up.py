# mypy: disable-error-code="import-not-found, no-any-return, misc, no-untyped-call"
# torch is no dependency of the project, so its types are unknown here.
"""Trains the thumbs-up detector and writes its IR: `python -m edge.training.thumbs_up --out FOLDER`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from edge.training.export import export
from edge.training.loop import read_options, train
from edge.training.network import STRIDE, Detector, Export, cell_corners
from edge.training.pictures import SIDE, draw_sample
from edge.training.targets import draw_targets

CELLS = SIDE // STRIDE
BATCH = 32


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures (n, 3, 192, 192) uint8 and targets: heat, box corners in cells, and where boxes count."""

    pictures: Tensor
    heat: Tensor
    corners: Tensor
    counts: Tensor


def _make_batch(rng: np.random.Generator) -> Batch:
    samples = [draw_sample(rng) for _ in range(BATCH)]
    targets = [draw_targets(sample.boxes / np.float32(STRIDE), (CELLS, CELLS)) for sample in samples]
    heat = torch.from_numpy(np.stack([one.heat for one in targets]))
    corners = torch.from_numpy(np.stack([one.corners for one in targets]))
    counts = torch.from_numpy(np.stack([one.counts for one in targets]))
    pictures = np.stack([sample.pixels for sample in samples]).transpose(0, 3, 1, 2)
    return Batch(torch.from_numpy(np.ascontiguousarray(pictures)), heat, corners, counts)


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


def _measure(detector: nn.Module, batch: Batch) -> Tensor:
    pictures = batch.pictures.float().contiguous(memory_format=torch.channels_last)
    heat, sides = (output.float() for output in detector(pictures))
    return _heat_loss(heat, batch.heat) + 2 * _box_loss(sides, batch)


def main() -> None:
    """Read the command line, train and export."""
    options = read_options(__doc__, rate=4e-3, steps=6000)
    detector = Detector()
    train(detector, _make_batch, _measure, options)
    export(Export(detector), [1, 3, SIDE, SIDE], ("image", "detections"), options.out)


if __name__ == "__main__":
    main()
