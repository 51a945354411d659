# mypy: disable-error-code="import-not-found, no-any-return, misc, no-untyped-call"
# torch is no dependency of the project, so its types are unknown here.
"""Trains the text gate and writes its IR: `python -m edge.training.text_gate --out FOLDER`.

FOLDER gets the gate as it runs, and in FOLDER/published the same function with its kernels multiplied out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it
from torch import Tensor, nn

from edge.training.export import export
from edge.training.gate_network import PARAMETERS, TextGate, count_parameters
from edge.training.loop import read_options, train
from edge.training.scenes import SIDE, paint_scene
from edge.training.scripts import TRAINED, Scripts
from edge.training.signs import draw_sign

BATCH = 32
CELLS = 14
SHARE_WHERE = 0.5  # of the loss of cells, beside that of the answer
NAMES = ("image", "score")


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures (n, 3, 224, 224) uint8 RGB, whether there is text (n, 1), and where (n, 1, 14, 14)."""

    pictures: Tensor
    has_text: Tensor
    where: Tensor


@cache
def _read_scripts() -> Scripts:
    return Scripts(TRAINED)


def _make_batch(rng: np.random.Generator) -> Batch:
    signs = [draw_sign(rng, _read_scripts(), paint_scene, has_text=i % 2 == 0) for i in range(BATCH)]
    pictures = np.stack([sign.pixels[:, :, ::-1] for sign in signs]).transpose(0, 3, 1, 2)
    where = [cv2.resize(sign.where, (CELLS, CELLS), interpolation=cv2.INTER_AREA) for sign in signs]
    return Batch(
        torch.from_numpy(np.ascontiguousarray(pictures)),
        torch.tensor([[float(sign.script is not None)] for sign in signs]),
        torch.from_numpy(np.stack(where)[:, None].astype(np.float32) / 255),
    )


def _measure(gate: nn.Module, batch: Batch) -> Tensor:
    pictures = (batch.pictures.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    score, where = (output.float() for output in gate(pictures))
    answer = F.binary_cross_entropy_with_logits(score, batch.has_text)
    return answer + SHARE_WHERE * F.binary_cross_entropy_with_logits(where, batch.where)


def main() -> None:
    """Read the command line, train and export."""
    options = read_options(__doc__, rate=3e-3, steps=20000)
    gate = TextGate()
    if (count := count_parameters(gate.whole())) != PARAMETERS:
        raise ValueError(f"text gate: {count} parameters, not the published {PARAMETERS}")
    train(gate, _make_batch, _measure, options)
    export(gate.eval().thin(), [1, 3, SIDE, SIDE], NAMES, options.out)
    export(gate.whole(), [1, 3, SIDE, SIDE], NAMES, options.out / "published")


if __name__ == "__main__":
    main()
