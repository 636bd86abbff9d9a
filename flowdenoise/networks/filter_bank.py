"""A bank of learned filters: what the pixels of a cell tell of noise, beside its Haar bands.

    opponent colors --filters, at two scales--> responses --log of 4x4 means--> convolutions

The energies of Haar bands do not tell texture that has some direction, or colors that go together,
from noise. Filters that are learned can. Of each response there are two means, of its square and
of its amount. Of Gaussian noise they tell the same; detail is sparse and has less of the second.

Scenes are mostly sparse under filters that have no mean: B. A. Olshausen and D. J. Field,
"Emergence of simple-cell receptive field properties by learning a sparse code for natural images",
Nature 381, 1996.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SIDE, _SCALES, _PLACE = 5, 2, 4  # of a filter; of the bank; of what is averaged, in pixels
_AMOUNT = math.sqrt(2 / math.pi)  # the mean amount of Gaussian noise, beside its deviation
_USUAL, _SPREAD = 3.0, 8.0  # the middle and the variance of logarithms, about


class FilterBank(nn.Module):
    """The bank; what it tells is zero at first, so that a network can be given one.

    Args:
        planes: The number of planes of pictures: 3 for color, 1 for gray.
        filters: The number of filters of each scale.
        width: The number of features of a cell.
        floor: The level below which a response counts as none.
    """

    def __init__(self, planes: int, filters: int, width: int, floor: float) -> None:
        super().__init__()
        self.floor = floor
        size = (filters, planes, _SIDE, _SIDE)
        self.filters = nn.ParameterList(torch.empty(size) for _ in range(_SCALES))
        for filter_ in self.filters:
            nn.init.normal_(filter_, std=1 / math.sqrt(planes * _SIDE * _SIDE))
        seen = 2 * filters * _SCALES
        self.gather = nn.Conv2d(seen, width, 3, stride=2, padding=1, padding_mode="replicate")
        self.last = nn.Conv2d(width, width, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, planes: Tensor) -> Tensor:
        """The features of cells of 8x8 pixels, (B, width, H/8, W/8).

        Args:
            planes: Brightness and differences of color, (B, P, H, W); H and W are multiples of 8.
        """
        seen = []
        planes = planes.contiguous(memory_format=torch.channels_last)  # convolved 3 times as fast
        for scale, filters in enumerate(self.filters):
            without_mean = filters - filters.mean((2, 3), keepdim=True)
            padded = F.pad(planes, (_SIDE // 2,) * 4, mode="replicate")
            response = F.conv2d(padded, without_mean)
            energy, amount = _means(response, _PLACE >> scale)
            seen += [self._log(energy), self._log((amount / _AMOUNT).square())]
            planes = 2 * F.avg_pool2d(planes, 2)  # white noise keeps its level
        features = self.gather((torch.cat(seen, 1) - _USUAL) / math.sqrt(_SPREAD))
        told: Tensor = self.last(F.relu(features))
        return told

    def _log(self, squares: Tensor) -> Tensor:
        return 0.5 * (squares / self.floor**2 + 1).log()


def _means(response: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """The means of squares and of amounts of a response, over squares of so many pixels."""
    if response.requires_grad:
        return F.avg_pool2d(response.square(), place), F.avg_pool2d(response.abs(), place)
    amounts = response.abs_()  # in place: fresh memory costs more than the arithmetic
    amount = F.avg_pool2d(amounts, place)
    return F.avg_pool2d(amounts.square_(), place), amount
