"""Demosaicking: from a mosaic of one color a pixel to three colors a pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.errors import UsageError
from flowdenoise.system.rules import Filled


def mosaic(raw: Tensor) -> Tensor:
    """Keep one color of each pixel, in the order RGGB: (B, 3, H, W) to (B, 1, H, W).

    Raises:
        UsageError: A side of the picture is odd.
    """
    if raw.shape[-2] % 2 or raw.shape[-1] % 2:
        raise UsageError("a mosaic needs pictures whose sides are even numbers of pixels")
    kept = raw[:, 1:2].clone()
    kept[:, 0, 0::2, 0::2] = raw[:, 0, 0::2, 0::2]
    kept[:, 0, 1::2, 1::2] = raw[:, 2, 1::2, 1::2]
    return kept


_MALVAR = (
    torch.tensor(
        (
            (
                (0, 0, -1, 0, 0),
                (0, 0, 2, 0, 0),
                (-1, 2, 4, 2, -1),
                (0, 0, 2, 0, 0),
                (0, 0, -1, 0, 0),
            ),
            (
                (0, 0, 0.5, 0, 0),
                (0, -1, 0, -1, 0),
                (-1, 4, 5, 4, -1),
                (0, -1, 0, -1, 0),
                (0, 0, 0.5, 0, 0),
            ),
            (
                (0, 0, -1, 0, 0),
                (0, -1, 4, -1, 0),
                (0.5, 0, 5, 0, 0.5),
                (0, -1, 4, -1, 0),
                (0, 0, -1, 0, 0),
            ),
            (
                (0, 0, -1.5, 0, 0),
                (0, 2, 0, 2, 0),
                (-1.5, 0, 6, 0, -1.5),
                (0, 2, 0, 2, 0),
                (0, 0, -1.5, 0, 0),
            ),
        )
    )
    / 8
)


_TENT = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
"""The weights by which a color that is known at one of four places is interpolated."""


def _places(values: Tensor) -> tuple[Tensor, Tensor]:
    """Whether the row and the column of each pixel are odd, (H, W) each."""
    height, width = values.shape[-2:]
    rows = torch.arange(height, device=values.device)[:, None] % 2
    columns = torch.arange(width, device=values.device)[None] % 2
    return rows.expand(height, width), columns.expand(height, width)


def demosaic_linear(values: Tensor) -> Tensor:
    """Gradient-corrected linear demosaicking, (B, 1, H, W) RGGB to (B, 3, H, W).

    H. Malvar, L. He and R. Cutler, "High-quality linear interpolation for demosaicing of
    Bayer-patterned color images", ICASSP 2004.
    """
    padded = F.pad(values, (2, 2, 2, 2), mode="reflect")
    green, along_row, along_column, across = F.conv2d(padded, _MALVAR[:, None].to(values)).unbind(
        1
    )
    odd_row, odd_column = _places(values)
    own = values[:, 0]
    is_red, is_blue = (odd_row == 0) & (odd_column == 0), (odd_row == 1) & (odd_column == 1)
    red_row = odd_row == 0
    red = torch.where(
        is_red, own, torch.where(is_blue, across, torch.where(red_row, along_row, along_column))
    )
    blue = torch.where(
        is_blue, own, torch.where(is_red, across, torch.where(red_row, along_column, along_row))
    )
    return torch.stack([red, torch.where(is_red | is_blue, green, own), blue], 1)


def demosaic_along_edges(values: Tensor, guide: Tensor) -> Tensor:
    """Demosaick along the edges of a guide, (B, 1, H, W) RGGB to (B, 3, H, W).

    Green is interpolated along the smaller gradient, then the color differences are interpolated.

    J. Hamilton and J. Adams, US patent 5,629,734, 1997, the ancestor of what cameras do.

    Args:
        values: The mosaic.
        guide: The mosaic whose edges are followed, (B, 1, H, W).
    """
    rows, columns = _lines(guide)
    change_row, change_column = rows.change + rows.bend.abs(), columns.change + columns.bend.abs()
    share = (change_column + 1e-6) / (change_row + change_column + 2e-6)
    share = torch.where(share > 0.6, 1.0, torch.where(share < 0.4, 0.0, share))
    rows, columns = _lines(values)
    in_row, in_column = rows.mean + rows.bend / 4, columns.mean + columns.bend / 4
    own = values[:, 0]
    green = _with_green(own, share * in_row + (1 - share) * in_column)
    red, blue = (green + _interpolated(own - green, parity) for parity in (0, 1))
    return torch.stack([red, green, blue], 1)


@dataclass(frozen=True)
class _Line:
    """The neighbors of each pixel along its row or its column, (B, H, W) each.

    Attributes:
        mean: The mean of the two next to it.
        change: The difference of the two, without its sign.
        bend: How far the pixel is above the mean of the two behind those, doubled.
    """

    mean: Tensor
    change: Tensor
    bend: Tensor

    @classmethod
    def of(cls, own: Tensor, near: tuple[Tensor, Tensor], far: tuple[Tensor, Tensor]) -> _Line:
        bend = 2 * own - far[0] - far[1]
        return cls((near[0] + near[1]) / 2, (near[0] - near[1]).abs(), bend)


def _lines(values: Tensor) -> tuple[_Line, _Line]:
    """The neighbors along rows and along columns."""
    padded = F.pad(values, (2, 2, 2, 2), mode="reflect")[:, 0]
    height, width = values.shape[-2:]

    def at(row: int, column: int) -> Tensor:
        return padded[:, 2 + row : 2 + row + height, 2 + column : 2 + column + width]

    own = at(0, 0)
    rows = _Line.of(own, (at(0, -1), at(0, 1)), (at(0, -2), at(0, 2)))
    columns = _Line.of(own, (at(-1, 0), at(1, 0)), (at(-2, 0), at(2, 0)))
    return rows, columns


def _with_green(own: Tensor, interpolated: Tensor) -> Tensor:
    """Green where it was measured, and interpolated where red or blue was, (B, H, W)."""
    odd_row, odd_column = _places(own)
    return torch.where(odd_row == odd_column, interpolated, own)


def _interpolated(values: Tensor, parity: int) -> Tensor:
    """Values (B, H, W) that are known where red is (parity 0) or blue (1), everywhere."""
    known = torch.zeros_like(values)
    known[:, parity::2, parity::2] = values[:, parity::2, parity::2]
    padded = F.pad(known[:, None], (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, _TENT.to(values)[None, None])[:, 0]


def demosaic_opencv(values: Tensor) -> Tensor:
    """Demosaick by OpenCV's edge-aware method in 16 bits, (B, 1, H, W) RGGB to (B, 3, H, W).

    Green is interpolated along the smaller gradient, red and blue are the means of the nearest
    known neighbors, so there is more false color than of the others.
    """
    import cv2

    white = values.amax((1, 2, 3), keepdim=True).clamp(min=1)  # balanced light is above 1 too
    offset, scale = 0.25, 49152.0  # room for noise below black and above white
    whole = ((values / white + offset) * scale).clamp(0, 65535).round()[:, 0]
    mosaics = whole.cpu().numpy().astype(np.uint16)
    colored = [cv2.demosaicing(one, cv2.COLOR_BayerBG2RGB_EA) for one in mosaics]
    made = torch.from_numpy(np.stack(colored).astype(np.float32)).to(values.device)
    return (made.permute(0, 3, 1, 2) / scale - offset) * white


def demosaic_as_opencv(values: Tensor, guide: Tensor) -> Tensor:
    """Do to a mosaic (B, 1, H, W) what `demosaic_opencv` does to a guide, (B, 1, H, W)."""
    rows, columns = _lines(guide)
    along_columns = rows.change > columns.change
    rows, columns = _lines(values)
    own = values[:, 0]
    green = _with_green(own, torch.where(along_columns, columns.mean, rows.mean))
    return torch.stack([_interpolated(own, 0), green, _interpolated(own, 1)], 1)


Demosaicking = Literal["linear", "edges", "opencv"]

Demosaickings = Annotated[tuple[Demosaicking, ...], Filled()]
"""The names of those of which one is drawn."""


@dataclass(frozen=True)
class Method:
    """A way to demosaick.

    Attributes:
        demosaick: The function that turns a mosaic, (B, 1, H, W), into light of three colors,
            (B, 3, H, W).
        again: The function that does to a second mosaic what `demosaick` did to a first one, its
            guide. It is linear in the second, and of the guide itself it makes what `demosaick`
            makes.
    """

    demosaick: Callable[[Tensor], Tensor]
    again: Callable[[Tensor, Tensor], Tensor]


METHODS: dict[Demosaicking, Method] = {
    "linear": Method(demosaic_linear, lambda values, _: demosaic_linear(values)),
    "edges": Method(lambda values: demosaic_along_edges(values, values), demosaic_along_edges),
    "opencv": Method(demosaic_opencv, demosaic_as_opencv),
}
"""The ways to demosaick by name."""


def indices_of(names: Sequence[Demosaicking]) -> Tensor:
    """The places of names in `METHODS`, (N,) int64, by which batches say how they are made."""
    return torch.tensor([list(METHODS).index(name) for name in names])


def demosaic_each(values: Tensor, kinds: Tensor) -> Tensor:
    """Demosaick each mosaic of (B, 1, H, W) by the method whose index `kinds` (B,) holds."""
    return _each(kinds, [method.demosaick for method in METHODS.values()], values)


def demosaic_again(values: Tensor, guides: Tensor, kinds: Tensor) -> Tensor:
    """Demosaick each mosaic of (B, 1, H, W) as its guide, (B, 1, H, W), was demosaicked."""
    return _each(kinds, [method.again for method in METHODS.values()], values, guides)


def _each(kinds: Tensor, functions: Sequence[Callable[..., Tensor]], *mosaics: Tensor) -> Tensor:
    values = mosaics[0]
    result = values.new_empty(len(values), 3, *values.shape[2:])
    for index, function in enumerate(functions):
        chosen = (kinds == index).nonzero()[:, 0]
        if len(chosen):
            result[chosen] = function(*(mosaic[chosen] for mosaic in mosaics))
    return result
