"""Where a photograph's mosaic begins: noise tells which pixels were measured and which were made.

Behind its mosaic a camera measures one color at each pixel and makes the two others of neighbors.
Networks learned from mosaics that begin with red in an even row and column, and leave noise where
it is otherwise: where a row or a column was cut away, or the camera begins with another color.

Two things tell. What the neighbors of a pixel do not predict is what was measured there, and it is
in other shares of red and blue where red was measured than where blue was. And green has more
noise where it was measured than where it is a mean of neighbors, at two of the four places of each
2x2 pixels: on one diagonal or on the other.

A photograph that was reduced, turned by an angle or strongly compressed tells nothing of this, and
there it is all the same.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Phase: TypeAlias = tuple[int, int]
"""The row and the column, each 0 or 1, at which a mosaic's red is in each 2x2 pixels."""

LEARNED: Phase = (0, 0)
"""The phase that networks learned."""

_CLEARLY = 0.1  # of the logarithm of green's energy the diagonals differ, if they tell
_ALIKE = 0.2  # likewise two places differ that are both green's, at most
_MOST = 0.3  # of an edge's contrast counts
_TINY = 1e-8
_AROUND = torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]]) / 8

_UNEVEN = 0.2  # the logarithms of red over blue differ by at least this at red's and blue's place
_EVEN = 0.45  # and at green's two by at most this share of it
_GREENER = 0.35  # more green at green's places than at the others: green's mean was corrected
_BLACK, _WHITE = 2 / 255, 253 / 255  # what lies beyond may have been cut off
_FEWEST = 1000  # pixels of a place that tell anything,
_LEAST = 1 / 3  # and their share of all
_FAINT = -11.5  # the logarithm of a variance of light below which it is hardly noise
_GAMMA = 2.2
_RIDGE = 1e-9


def mosaic_phase(windows: Tensor) -> Phase:
    """Find out where red was measured, as far as its noise tells.

    Args:
        windows: Parts of a photograph, (B, C, h, w) in [0, 1], from even rows and columns.

    Returns:
        The phase; `LEARNED` if nothing tells of another, as in gray.
    """
    if windows.shape[1] != 3:
        return LEARNED
    windows = windows.cpu()  # not all devices have the numbers of 64 bits that this takes
    return _by_colors(windows) or _by_green(windows)


def _by_colors(windows: Tensor) -> Phase | None:
    """The phase by how much of red and of blue neighbors do not predict; None if nothing tells.

    Along the diagonal of red and blue the share of red over blue differs, along that of green it
    does not. Which of the two is red's depends on how the colors were made. By bilinear means and
    along edges, what was measured is what neighbors predict least. If a mean is corrected by the
    gradient of the color that was measured (Malvar, He and Cutler, ICASSP 2004), the other color
    holds three quarters of that, and what was measured is in all neighbors, too, which predict it
    better. Such means leave green its noise at its own places and not much at the others, and more
    noise in red and blue together than in green there.
    """
    energy = _unpredicted(windows)
    if energy is None or float(energy.mean()) < _FAINT:
        return None
    red_over_blue = energy[:, 0] - energy[:, 2]
    greenness = energy[:, 1] - (energy[:, 0] + energy[:, 2]) / 2
    diagonals = ((0, 3), (1, 2))
    uneven = [float(red_over_blue[one] - red_over_blue[two]) for one, two in diagonals]
    found = int(abs(uneven[1]) > abs(uneven[0]))
    if abs(uneven[found]) < _UNEVEN or abs(uneven[1 - found]) > _EVEN * abs(uneven[found]):
        return None
    colored, green = (float(greenness[list(diagonals[way])].mean()) for way in (found, 1 - found))
    corrected = green - colored > _GREENER and colored < 0
    first = (uneven[found] > 0) != corrected
    return divmod(diagonals[found][0 if first else 1], 2)


def _unpredicted(windows: Tensor) -> Tensor | None:
    """The logarithm of what the 8 neighbors of pixels do not predict linearly, (4 places, 3).

    None where too few pixels tell.
    """
    inside = ((windows > _BLACK) & (windows < _WHITE)).all(1, keepdim=True)
    if float(inside.float().mean()) < _LEAST:
        return None
    light = F.pad(windows.clamp(0, 1).pow(_GAMMA), (1, 1, 1, 1), mode="reflect")
    own = torch.arange(4, 27, 9)  # the pixel itself in each color, among its 3x3
    energies = []
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        kept = inside[..., row::2, column::2].flatten(2).double()
        if float(kept.sum()) < _FEWEST:
            return None
        seen = F.unfold(light[..., row:, column:], 3, stride=2).double() * kept
        values = torch.cat([seen, kept], 1)
        moments = (values @ values.mT).sum(0) / kept.sum()
        moments.diagonal().add_(_RIDGE)
        precision = torch.linalg.inv(moments)[own][:, own]
        energies.append(torch.linalg.inv(precision).diagonal())
    return torch.stack(energies).log()


def _by_green(windows: Tensor) -> Phase:
    """The phase by where green has more noise.

    That green lies on the other diagonal is seen clearly. Which of the two places that are left is
    red's is a guess: fine detail is stronger there in nine of ten simulated photographs, and in
    all of Nam25. Where green is as it was learned, red is taken to be, too.
    """
    first, second, third, fourth = _energy(windows).unbind(1)
    green = float((first + fourth - second - third)[1]) / 2
    own, other = first - fourth, second - third  # red's place and blue's differ, green's do not
    alike = float(own.abs().mean() - other.abs().mean()) < _ALIKE
    if green <= _CLEARLY or not alike:
        return LEARNED
    return (0, 1) if float(other.mean()) > 0 else (1, 0)


def _energy(windows: Tensor) -> Tensor:
    """The logarithm of the energy of fine detail of each channel at the four places, (3, 4)."""
    height, width = (side // 2 * 2 for side in windows.shape[2:])
    planes = windows[..., :height, :width].flatten(0, 1)[:, None]
    around = _AROUND.to(planes)[None, None]
    fine = F.conv2d(F.pad(planes, (1, 1, 1, 1), mode="reflect"), around)
    energy = fine.clamp(-_MOST, _MOST).square().view(-1, 3, height // 2, 2, width // 2, 2)
    return (energy.mean((0, 2, 4)).flatten(1) + _TINY).log()
