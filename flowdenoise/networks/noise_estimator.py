r"""An estimator of noise maps: the level and the kind of the noise of a picture, place by place.

The noise of a photograph depends on brightness and place, is coarser than a pixel, and differs
between brightness and color. So four maps with a cell for 8x8 pixels hold its level: for
brightness and for color, the fine level (a root mean square) and the coarse one (the same after
means of 4x4 pixels, times four, so that white noise has the same level on both). A denoiser made
for white noise must be told the coarse level: low frequencies decide how well coarse noise goes.

    picture --opponent colors--> Haar bands of three scales --log energy--> convolutions -> maps
                            \--> filters that are learned --log energy--^        \-> mean -> kind

The energies measure noise and detail together, and the convolutions tell the two apart. To have
one network estimate how noisy each place is, and a second one remove the noise, is the way of
S. Guo et al., "Toward convolutional blind denoising of real photographs", CVPR 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.networks.filter_bank import FilterBank
from flowdenoise.system.rules import Channels, Range, Size
from flowdenoise.system.typed import check

CELL = 8
"""The side of a cell of the maps, in pixels."""

MAPS = ("brightness", "brightness, coarse", "color", "color, coarse")
"""The names of the maps, in the order of the channels."""

KINDS = ("clean", "white", "camera")
"""The kinds of noise that a picture can have."""

_ENERGIES = 9  # of each channel: three bands at three scales

FLOOR = 0.1 / 255
"""The level of a picture without noise, so that logarithms stay finite."""


@dataclass(frozen=True)
class NoiseMapConfig:
    """Sizes of a `NoiseMapNet`.

    Attributes:
        image_channels: The number of channels of pictures: 3 for color, 1 for gray.
        channels: The width of all layers.
        blocks: The number of residual blocks; block i looks 2^i cells far.
        filters: The number of learned filters at each scale; without any, Haar bands tell alone.
    """

    image_channels: Channels = 3
    channels: Size = 64
    blocks: Annotated[int, Range(1, 8)] = 4
    filters: Annotated[int, Range(0, 256)] = 0

    def __post_init__(self) -> None:
        check(self)

    def adds_filters_to(self, other: NoiseMapConfig) -> bool:
        """Whether these are the sizes of an estimator without filters, with some added."""
        return self.filters > 0 and other == replace(self, filters=0)


class Noise(NamedTuple):
    """The noise of pictures, as a `NoiseMapNet` estimates it.

    Attributes:
        levels: The levels of `MAPS` on the [0, 1] scale, (B, 4, H/8, W/8).
        kind: The logits of `KINDS`, (B, 3).
    """

    levels: Tensor
    kind: Tensor


class NoiseMapNet(nn.Module):
    """The estimator.

    Args:
        config: The sizes of the network.
    """

    stride = CELL
    """The number of pixels of which the sides of pictures must be multiples."""

    def __init__(self, config: NoiseMapConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.head = nn.Conv2d(
            config.image_channels * (_ENERGIES + 1) + 2,
            width,
            3,
            padding=1,
            padding_mode="replicate",
        )
        self.bank = (
            FilterBank(config.image_channels, config.filters, width, FLOOR)
            if config.filters
            else None
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(
                    *(width, width, 3),
                    padding=2**index,
                    dilation=2**index,
                    padding_mode="replicate",
                ),
                nn.ReLU(),
                nn.Conv2d(width, width, 1),
            )
            for index in range(config.blocks)
        )
        self.context = nn.Linear(2 * width, width)
        last = nn.Conv2d(width, len(MAPS), 1)
        nn.init.constant_(cast("Tensor", last.bias), 3.0)  # begin at 2/255, not without noise
        self.tail = nn.Sequential(nn.Conv2d(2 * width, width, 1), nn.ReLU(), last)
        self.kind = nn.Linear(width, len(KINDS))

    def forward(self, picture: Tensor) -> Noise:
        """Estimate the noise of pictures.

        Args:
            picture: The pictures, (B, C, H, W), about [0, 1]; H and W are multiples of 8.
        """
        features = self.head(evidence(picture))
        if self.bank is not None:
            features = features + self.bank(opponent(picture.float()))
        for block in self.blocks:
            features = features + block(F.relu(features))
        flat = features.flatten(2)
        least = -torch.logsumexp(-4 * flat, 2) / 4 + torch.log(torch.tensor(flat.shape[2])) / 4
        context = F.relu(self.context(torch.cat([flat.mean(2), least], 1)))
        spread = context[:, :, None, None].expand_as(features)
        levels = self.tail(F.relu(torch.cat([features, spread], 1)))
        return Noise(FLOOR * torch.exp(levels.clamp(-1, 8)), self.kind(context))


@torch.no_grad()
def of_gray(color: NoiseMapNet) -> NoiseMapNet:
    """The estimator for gray pictures that an estimator for color ones begins as.

    A gray picture has no energies of color, so their weights are left out. Three equal channels
    have the square root of three times the brightness of one, which the rest allows for: the first
    layer gives what that for color pictures gives of three equal channels, wherever the energies
    are well above `FLOOR`, and the levels are divided by the square root of three.

    Args:
        color: An estimator for color pictures; one for gray pictures is returned as it is.
    """
    channels = color.config.image_channels
    if channels == 1:
        return color
    gray = NoiseMapNet(replace(color.config, image_channels=1))
    kept = {name: values.clone() for name, values in color.state_dict().items()}
    energies = torch.arange(_ENERGIES) * channels  # of each band, brightness is the first
    ends = torch.arange(2) + channels * (_ENERGIES + 1)
    own = torch.cat([energies, torch.tensor([_ENERGIES * channels]), ends])
    head = kept["head.weight"][:, own]
    shift = math.log(channels) / 2
    kept["head.bias"] += shift * head[:, :_ENERGIES].sum((1, 2, 3))
    head[:, _ENERGIES] *= math.sqrt(channels)
    kept["tail.2.bias"] -= shift
    for name in kept:
        if name.startswith("bank.filters"):
            kept[name] = math.sqrt(channels) * kept[name][:, :1]
    gray.load_state_dict({**kept, "head.weight": head})
    return gray


def opponent(picture: Tensor) -> Tensor:
    """Rotate colors to brightness and two color differences, so that white noise stays white.

    Args:
        picture: The pictures, (B, C, H, W); a single channel is brightness already.
    """
    if picture.shape[1] == 1:
        return picture
    rows = picture.new_tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    return torch.einsum("oc,bchw->bohw", rows / rows.norm(dim=1, keepdim=True), picture)


def evidence(picture: Tensor) -> Tensor:
    """The log energies of Haar bands, brightness, and clipped shares, (B, 10 C + 2, H/8, W/8)."""
    energy, planes = _haar_energies(opponent(picture.float()))
    ends = torch.cat([picture <= 0, picture >= 1], 1).float()
    ends = F.avg_pool2d(ends, CELL).reshape(len(picture), 2, -1, *planes.shape[-2:]).mean(2)
    return torch.cat(
        [0.5 * ((energy + FLOOR**2).log() - 2 * torch.log(torch.tensor(FLOOR))), planes, ends], 1
    )


def band_energies(picture: Tensor) -> Tensor:
    """The energies of brightness and of color at the three scales, (B, 2, 3, H/8, W/8).

    White noise has the same energy at all of them, its variance. The color of a gray picture has
    the energies of its brightness, as in `measured`.

    Args:
        picture: The pictures, (B, C, H, W), about [0, 1]; H and W are multiples of 8.
    """
    energy, _ = _haar_energies(opponent(picture.float()))
    size = (len(energy), 3, 3, -1, *energy.shape[2:])
    scales = energy.reshape(size).mean(2)  # of a scale's three bands
    color = scales[:, :, 1:] if scales.shape[2] > 1 else scales
    return torch.stack([scales[:, :, 0], color.mean(2)], 1)


def _haar_energies(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Take planes (B, C, H, W) apart into Haar bands.

    Returns:
        The mean energies of the bands in cells, (B, 9 C, H/8, W/8), by scale, band and plane, and
        the means of the planes in cells, (B, C, H/8, W/8).
    """
    found = []
    for scale in range(3):
        first, second = planes[..., 0::2, :], planes[..., 1::2, :]
        total, change = (first + second) / 2, (first - second) / 2
        bands = [
            (total[..., 0::2] - total[..., 1::2]) / 2,
            (change[..., 0::2] + change[..., 1::2]) / 2,
            (change[..., 0::2] - change[..., 1::2]) / 2,
        ]
        size = CELL // 2 ** (scale + 1)
        found += [F.avg_pool2d(band.square(), size) * 4 ** (scale + 1) for band in bands]
        planes = (total[..., 0::2] + total[..., 1::2]) / 2
    return torch.cat(found, 1), planes


def measured(noise: Tensor) -> Tensor:
    """The true squares of the levels in `MAPS`, measured in noise alone, (B, 4, H/8, W/8).

    Args:
        noise: The noise without a picture, (B, C, H, W); H and W are multiples of 8.
    """
    planes = opponent(noise)
    coarse = F.avg_pool2d(planes, 4) * 4
    fine, coarse = F.avg_pool2d(planes.square(), CELL), F.avg_pool2d(coarse.square(), CELL // 4)
    maps = []
    for power in (fine, coarse):
        color = power[:, 1:] if power.shape[1] > 1 else power
        maps.append(torch.stack([power[:, 0], color.mean(1)], 1))
    return torch.stack(maps, 2).flatten(1, 2)


def around(cells: Tensor) -> Tensor:
    """The means of 3x3 cells, (B, C, h, w); a cell beyond the border is like the one at it."""
    return F.avg_pool2d(F.pad(cells, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def level_loss(levels: Tensor, squares: Tensor) -> Tensor:
    """The error of estimated levels, per cell, in logarithms.

    An error by a factor counts alike whether the noise is weak or strong, up or down; beyond a
    factor of e it counts linearly, since some cells can't be told. Mean squares are taken
    over 3x3 cells first: a logarithm of fewer values is too low on average.

    Args:
        levels: The estimated levels, (B, 4, h, w), as in `Noise`.
        squares: The true squares, (B, 4, h, w), from `measured`.
    """
    wanted = (around(squares) + FLOOR**2).log()
    return F.smooth_l1_loss(levels.square().log(), wanted, reduction="none", beta=2.0)
