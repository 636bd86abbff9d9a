"""Demosaicking: from a mosaic of one color a pixel to three colors a pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.errors import UsageError


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
    tent = (
        torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], device=own.device, dtype=own.dtype) / 4
    )
    padded = F.pad(known[:, None], (1, 1, 1, 1), mode="reflect")
    return green + F.conv2d(padded, tent[None, None])[:, 0]


def demosaic_opencv(values: Tensor) -> Tensor:
    """Demosaick by OpenCV's edge-aware method in 16 bits, (B, 1, H, W) RGGB to (B, 3, H, W)."""
    import cv2

    offset, scale = 0.25, 49152.0  # room for noise below black and above white
    whole = (
        ((values[:, 0] + offset) * scale).clamp(0, 65535).round().cpu().numpy().astype(np.uint16)
    )
    colored = [cv2.demosaicing(one, cv2.COLOR_BayerBG2RGB_EA) for one in whole]
    made = torch.from_numpy(np.stack(colored).astype(np.float32)).to(values.device)
    return made.permute(0, 3, 1, 2) / scale - offset


Demosaic = Callable[[Tensor], Tensor]
DEMOSAICS: tuple[Demosaic, ...] = (demosaic_linear, demosaic_along_edges)
"""The functions that turn a mosaic, (B, 1, H, W), into light of three colors, (B, 3, H, W)."""


def demosaic_each(values: Tensor, kinds: Tensor) -> Tensor:
    """Demosaick each mosaic of (B, 1, H, W) by the function whose index `kinds` (B,) holds."""
    result = values.new_empty(len(values), 3, *values.shape[2:])
    for index, demosaic in enumerate(DEMOSAICS):
        chosen = (kinds == index).nonzero()[:, 0]
        if len(chosen):
            result[chosen] = demosaic(values[chosen])
    return result


def demosaic_signal(light: Tensor, kinds: Tensor) -> Tensor:
    """Soften light that has all its colors as demosaicking softens it, without its errors.

    A mosaic may begin at four places. Demosaicked at each of them and averaged, zippers and false
    colors cancel, and what remains is how demosaicking softens detail. It is linear in `light`.
    Along edges, green is as sharp as it was, and the color differences are interpolated.

    Args:
        light: The light, (B, 3, H, W).
        kinds: The indices in `DEMOSAICS`, (B,).
    """
    result = torch.empty_like(light)
    for index, demosaic in enumerate(DEMOSAICS):
        chosen = (kinds == index).nonzero()[:, 0]
        if len(chosen):
            one = light[chosen]
            along = demosaic is demosaic_along_edges
            result[chosen] = _soft_differences(one) if along else _mean_of_places(one, demosaic)
    return result


def _mean_of_places(light: Tensor, demosaic: Demosaic) -> Tensor:
    total = torch.zeros_like(light)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        moved = torch.roll(light, (down, across), (-2, -1))
        total += torch.roll(demosaic(mosaic(moved)), (-down, -across), (-2, -1))
    return total / 4


def _soft_differences(light: Tensor) -> Tensor:
    green = light[:, 1:2]
    tent = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], device=light.device) / 16
    padded = F.pad(light - green, (1, 1, 1, 1), mode="reflect")
    return green + F.conv2d(padded, tent.expand(3, 1, 3, 3), groups=3)
