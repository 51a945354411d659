# mypy: disable-error-code="import-not-found, misc, no-any-return"
# torch is no dependency of the project, so its types are unknown here.
"""The published text gate: 450,633 parameters, its widest kernels trained as products of thinner ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PARAMETERS = 450_633  # as published, with the mean and variance of the three normalisations
EPSILON = 1e-3
CHANNELS = 64


class Product(nn.Module):
    """A square convolution as a column kernel, then a row kernel, with nothing between them.

    Both together are one convolution whose kernel is the sum over `rank` of their outer products.
    """

    def __init__(self, ins: int, outs: int, kernel: int, rank: int) -> None:
        super().__init__()
        self.column = nn.Conv2d(ins, rank, (kernel, 1), padding=(kernel // 2, 0), bias=False)
        self.row = nn.Conv2d(rank, outs, (1, kernel), padding=(0, kernel // 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.row(self.column(x))

    def multiply(self) -> nn.Conv2d:
        """Return the convolution that this is."""
        column, row = self.column.weight[:, :, :, 0], self.row.weight[:, :, 0]
        weight = torch.einsum("riy,orx->oiyx", column, row)
        whole = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding="same")
        whole.load_state_dict({"weight": weight, "bias": self.row.bias})
        return whole


class TextGate(nn.Module):
    """(n, 3, 224, 224) RGB in -1..1 -> (n, 1) score as a logit, and (n, 1, 14, 14) where there is text.

    ELU rises everywhere, so it may follow the pooling instead of preceding it, at a quarter of the work.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            *(nn.Conv2d(3, 24, 3, padding="same"), nn.MaxPool2d(2), nn.ELU()),
            *(Product(24, CHANNELS, 3, 16), nn.ELU(), nn.BatchNorm2d(CHANNELS, EPSILON)),
            *(Product(CHANNELS, CHANNELS, 5, 16), nn.MaxPool2d(2), nn.ELU()),
            *(
                Product(CHANNELS, CHANNELS, 7, 32),
                nn.MaxPool2d(2),
                nn.ELU(),
                nn.BatchNorm2d(CHANNELS, EPSILON),
            ),
            *(Product(CHANNELS, CHANNELS, 5, 32), nn.MaxPool2d(2), nn.ELU()),
        )
        self.coarse = nn.Sequential(
            *(
                nn.Conv2d(CHANNELS, 8, 3, padding="same"),
                nn.MaxPool2d(2),
                nn.ELU(),
                nn.BatchNorm2d(8, EPSILON),
            ),
            *(nn.Flatten(), nn.Linear(8 * 7 * 7, 64), nn.ELU(), nn.Linear(64, 1)),
        )
        self.where = nn.Conv2d(CHANNELS, 1, 1)  # helps to learn; no part of the gate

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.fine(x)
        return self.coarse(seen), self.where(seen)

    def thin(self) -> nn.Module:
        """Return the gate as it runs."""
        return nn.Sequential(self.fine, self.coarse, nn.Sigmoid())

    def whole(self) -> nn.Module:
        """Return the gate as it was published: the same function, its kernels multiplied out."""
        parts = [part.multiply() if isinstance(part, Product) else part for part in self.fine]
        return nn.Sequential(*parts, self.coarse, nn.Sigmoid())


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers a network holds, as Keras counts them."""
    return sum(values.numel() for values in network.state_dict().values() if values.dim() > 0)
