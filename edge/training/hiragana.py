# mypy: disable-error-code="import-not-found, misc, no-any-return"
# torch is no dependency of the project, so its types are unknown here.
"""Trains the hiragana classifier and writes its IR: `python -m edge.training.hiragana --out FOLDER`."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it
from torch import Tensor, nn

from edge.training.alphabet import Alphabet, make_alphabet
from edge.training.characters import LABELS
from edge.training.export import export
from edge.training.loop import read_options, train
from edge.training.network import Block, Convolution
from edge.training.stage import SIDE
from edge.training.writing import draw_writing

BATCH = 64
SMOOTHING = 0.03


class Classifier(nn.Sequential):
    """(n, 1, 64, 64) grey 0..255 -> logits (n, 6)."""

    def __init__(self) -> None:
        super().__init__(
            Convolution(1, 16, stride=2),
            Block(16, 32),
            Convolution(32, 32),
            Block(32, 64),
            Convolution(64, 64),
            Block(64, 112),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(112, len(LABELS)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / 127.5 - 1)


def _draw_batch(rng: np.random.Generator, alphabet: Alphabet) -> tuple[Tensor, Tensor]:
    pictures, labels = zip(*(draw_writing(rng, alphabet) for _ in range(BATCH)), strict=True)
    return torch.from_numpy(np.stack(pictures)[:, None]), torch.tensor(labels)


def _measure(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(network(batch[0].float()).float(), batch[1], label_smoothing=SMOOTHING)


def main() -> None:
    """Read the command line, train and export."""
    options = read_options(__doc__, rate=3e-3, steps=10000)
    alphabet = make_alphabet(np.random.default_rng(options.seed))
    network = Classifier()
    train(network, lambda rng: _draw_batch(rng, alphabet), _measure, options)
    export(network, [1, 1, SIDE, SIDE], ("image", "scores"), options.out)


if __name__ == "__main__":
    main()
