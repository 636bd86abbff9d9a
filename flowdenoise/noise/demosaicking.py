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


_TENT = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
_CROSS = torch.tensor([[0.0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 8
"""What is left of a color that is known at one of four places, and at one of two (green)."""


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


def demosaic_along_edges(values: Tensor) -> Tensor:
    """Demosaick along edges, (B, 1, H, W) RGGB to (B, 3, H, W).

    Green is interpolated along the smaller gradient, then the color differences are interpolated.

    J. Hamilton and J. Adams, US patent 5,629,734, 1997, the ancestor of what cameras do.
    """
    padded = F.pad(values, (2, 2, 2, 2), mode="reflect")[:, 0]
    height, width = values.shape[-2:]

    def at(row: int, column: int) -> Tensor:
        return padded[:, 2 + row : 2 + row + height, 2 + column : 2 + column + width]

    own = at(0, 0)
    bend_row, bend_column = 2 * own - at(0, -2) - at(0, 2), 2 * own - at(-2, 0) - at(2, 0)
    change_row = (at(0, -1) - at(0, 1)).abs() + bend_row.abs()
    change_column = (at(-1, 0) - at(1, 0)).abs() + bend_column.abs()
    in_row = (at(0, -1) + at(0, 1)) / 2 + bend_row / 4
    in_column = (at(-1, 0) + at(1, 0)) / 2 + bend_column / 4
    weight = (change_column + 1e-6) / (change_row + change_column + 2e-6)
    weight = torch.where(weight > 0.6, 1.0, torch.where(weight < 0.4, 0.0, weight))
    odd_row, odd_column = _places(values)
    colored = odd_row == odd_column
    green = torch.where(colored, weight * in_row + (1 - weight) * in_column, own)
    return torch.stack(
        [_with_differences(own, green, 0), green, _with_differences(own, green, 1)], 1
    )


def _with_differences(own: Tensor, green: Tensor, parity: int) -> Tensor:
    """Red (parity 0) or blue (1): green plus the difference known at its places, interpolated."""
    known = torch.zeros_like(own)
    known[:, parity::2, parity::2] = (own - green)[:, parity::2, parity::2]
    padded = F.pad(known[:, None], (1, 1, 1, 1), mode="reflect")
    return green + F.conv2d(padded, 4 * _TENT.to(own)[None, None])[:, 0]


def demosaic_opencv(values: Tensor) -> Tensor:
    """Demosaick by OpenCV's edge-aware method in 16 bits, (B, 1, H, W) RGGB to (B, 3, H, W).

    Green is interpolated along the smaller gradient, red and blue are the means of the nearest
    known neighbors, so there is more false color than of the others.
    """
    import cv2

    offset, scale = 0.25, 49152.0  # room for noise below black and above white
    whole = (
        ((values[:, 0] + offset) * scale).clamp(0, 65535).round().cpu().numpy().astype(np.uint16)
    )
    colored = [cv2.demosaicing(one, cv2.COLOR_BayerBG2RGB_EA) for one in whole]
    made = torch.from_numpy(np.stack(colored).astype(np.float32)).to(values.device)
    return made.permute(0, 3, 1, 2) / scale - offset


def _soften_by_places(light: Tensor) -> Tensor:
    """The mean of what linear demosaicking makes of mosaics that begin at each of four places."""
    total = torch.zeros_like(light)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        moved = torch.roll(light, (down, across), (-2, -1))
        total += torch.roll(demosaic_linear(mosaic(moved)), (-down, -across), (-2, -1))
    return total / 4


def _soften_differences(light: Tensor) -> Tensor:
    """Green as it was, since edges are followed, and the color differences interpolated."""
    green = light[:, 1:2]
    return green + _filtered(light - green, torch.stack([_TENT] * 3))


def _soften_each(light: Tensor) -> Tensor:
    """Each color the mean of its neighbors where it is not known, green of two of four."""
    return _filtered(light, torch.stack([_TENT, _CROSS, _TENT]))


def _filtered(light: Tensor, kernels: Tensor) -> Tensor:
    """Filter each color of (B, 3, H, W) by its own kernel of (3, 3, 3)."""
    padded = F.pad(light, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, kernels[:, None].to(light), groups=3)


Demosaicking = Literal["linear", "edges", "opencv"]

Demosaickings = Annotated[tuple[Demosaicking, ...], Filled()]
"""The names of those of which one is drawn."""


@dataclass(frozen=True)
class Method:
    """A way to demosaick.

    Attributes:
        demosaick: The function that turns a mosaic, (B, 1, H, W), into light of three colors,
            (B, 3, H, W).
        soften: The function that softens light that has all its colors as `demosaick` softens
            it, without its errors. If demosaicked from each of the four places where a mosaic may
            begin and averaged, zippers and false colors cancel, and what remains is this. It is
            linear.
    """

    demosaick: Callable[[Tensor], Tensor]
    soften: Callable[[Tensor], Tensor]


METHODS: dict[Demosaicking, Method] = {
    "linear": Method(demosaic_linear, _soften_by_places),
    "edges": Method(demosaic_along_edges, _soften_differences),
    "opencv": Method(demosaic_opencv, _soften_each),
}
"""The ways to demosaick by name."""


def indices_of(names: Sequence[Demosaicking]) -> Tensor:
    """The places of names in `METHODS`, (N,) int64, by which batches say how they are made."""
    return torch.tensor([list(METHODS).index(name) for name in names])


def demosaic_each(values: Tensor, kinds: Tensor) -> Tensor:
    """Demosaick each mosaic of (B, 1, H, W) by the method whose index `kinds` (B,) holds."""
    return _each([method.demosaick for method in METHODS.values()], values, kinds)


def soften_each(light: Tensor, kinds: Tensor) -> Tensor:
    """Soften light (B, 3, H, W), which has all its colors, as each method of `kinds` (B,) does."""
    return _each([method.soften for method in METHODS.values()], light, kinds)


def _each(
    functions: Sequence[Callable[[Tensor], Tensor]], values: Tensor, kinds: Tensor
) -> Tensor:
    result = values.new_empty(len(values), 3, *values.shape[2:])
    for index, function in enumerate(functions):
        chosen = (kinds == index).nonzero()[:, 0]
        if len(chosen):
            result[chosen] = function(values[chosen])
    return result
