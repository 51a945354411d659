# mypy: disable-error-code="import-not-found, misc, no-any-return"
# torch is no dependency of the project, so its types are unknown here.
"""The detector's network: a small anchor-free one that says, per cell of 8 x 8 pixels, where a hand is."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody gives it
from torch import Tensor, nn

STRIDE = 8
RADIUS = 2  # a peak silences weaker ones within so many cells


class Convolution(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, ins: int, outs: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(ins, outs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outs),
            nn.ReLU(inplace=True),
        )


class Block(nn.Module):
    """Halve the resolution, then a separable residual."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.down = Convolution(ins, outs, stride=2)
        self.rest = nn.Sequential(Convolution(outs, outs, groups=outs), Convolution(outs, outs, kernel=1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return x + self.rest(x)


class Detector(nn.Module):
    """(n, 3, side, side) RGB 0..255 -> heat logits (n, 1, cells, cells), distances (n, 4, cells, cells).

    The distances are from the cell's centre to the box's left, top, right and bottom: cells, as logarithms.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = (20, 44, 76, 100, 128)) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.fine = nn.Sequential(Convolution(3, a, stride=2), Block(a, b), Block(b, c))
        self.coarse = Block(c, d)
        self.coarsest = Block(d, e)
        self.up_coarsest = Convolution(e, d, kernel=1)
        self.up_coarse = Convolution(d, c, kernel=1)
        self.mix = nn.Sequential(
            Convolution(c, c, kernel=5, groups=c), Convolution(c, c, kernel=1), Convolution(c, 64)
        )
        self.heat = nn.Conv2d(64, 1, 1)
        self.sides = nn.Conv2d(64, 4, 1)
        nn.init.constant_(self.heat.bias, -3.5)
        nn.init.constant_(self.sides.bias, 0.9)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(x / 127.5 - 1)
        coarse = self.coarse(fine)
        coarse = coarse + F.interpolate(self.up_coarsest(self.coarsest(coarse)), scale_factor=2.0)
        mixed = self.mix(fine + F.interpolate(self.up_coarse(coarse), scale_factor=2.0))
        return self.heat(mixed), self.sides(mixed).clamp(-4, 4)


def cell_corners(sides: Tensor) -> Tensor:
    """Return the (n, 4, cells, cells) corners, in cells, that each cell's distances stand for."""
    rows, columns = sides.shape[2:]
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    reach = sides.exp()
    return torch.stack([x - reach[:, 0], y - reach[:, 1], x + reach[:, 2], y + reach[:, 3]], 1)


class Export(nn.Module):
    """The detector with its peaks picked: (1, 3, side, side) -> (1, keep, 6).

    Each row is label (always 0), score, xmin, ymin, xmax, ymax as fractions of the input.
    """

    def __init__(self, detector: Detector, keep: int = 20) -> None:
        super().__init__()
        self.detector = detector
        self.keep = keep

    def forward(self, x: Tensor) -> Any:
        heat, sides = self.detector(x)
        score = heat.sigmoid()
        peaks = score * (F.max_pool2d(score, 2 * RADIUS + 1, 1, RADIUS) == score).float()
        best, index = peaks.flatten(1).topk(self.keep)
        corners = cell_corners(sides).flatten(2) / heat.shape[3]
        chosen = corners.gather(2, index[:, None].expand(-1, 4, -1))
        return torch.cat([torch.zeros_like(best)[:, None], best[:, None], chosen], 1).transpose(1, 2)
