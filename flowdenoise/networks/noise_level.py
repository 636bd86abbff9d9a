r"""An estimator of the noise level: a small network reads histograms of a picture's blocks.

White noise is alike in all frequencies and all blocks, pictures are not. So the picture is cut
into blocks, each block into bands of frequency (a discrete cosine transform), and for each band
the histogram of log root mean squares over all blocks is taken:

    blocks --DCT--> bands --log rms--> histograms --convolutions along the log axis--> level

Noise of a level shows as a peak at this level in all bands; on the log axis another level is
the same peak shifted, so convolutions along it read all levels alike. Histograms of crops add up,
in any order, so a large picture can be judged by some of its crops.

That smooth blocks tell the noise level is an old idea, see for instance X. Liu, M. Tanaka and
M. Okutomi, "Single-image noise level estimation for blind denoising", IEEE TIP 2013.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flowdenoise.networks.noise_estimator import opponent
from flowdenoise.noise import WHITE
from flowdenoise.system.rules import Channels, Size
from flowdenoise.system.typed import check

_SIDE = 8  # of a block
_BANDS = 7  # pairs of diagonals of the block's frequencies, without its mean
_BINS = 48
_LOWEST, _HIGHEST = math.log(0.15), math.log(90.0)  # of the histograms, log of 0 to 255 levels
_MIDDLE = (0.2, 0.8)  # blocks in this range of brightness are hardly clipped, and counted apart


@dataclass(frozen=True)
class NoiseLevelConfig:
    """Sizes of a `NoiseLevelNet`.

    Attributes:
        image_channels: The number of channels of pictures: 3 for color, 1 for gray.
        channels: The width of all layers.
        blocks: The number of residual blocks.
    """

    image_channels: Channels = 3
    channels: Size = 64
    blocks: Size = 2

    def __post_init__(self) -> None:
        check(self)


class NoiseLevelNet(nn.Module):
    """The estimator.

    Args:
        config: The sizes of the network.
    """

    stride = 4
    """The number of pixels of which the sides of crops must be multiples; they are at least 8."""

    def __init__(self, config: NoiseLevelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        rows = 2 * _BANDS * config.image_channels  # all blocks, those of middle brightness
        self.head = nn.Conv1d(2 * (rows + 2) + 1, width, 7, padding=3)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, width, 7, padding=3),
                nn.ReLU(),
                nn.Conv1d(width, width, 7, padding=3),
            )
            for _ in range(config.blocks)
        )
        self.tail = nn.Conv1d(width, 1, 7, padding=3)

    def evidence(self, noisy: Tensor, telling: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Count what crops show in histograms, which can be added up.

        Args:
            noisy: The crops, (B, C, H, W), about [0, 1]; H and W are multiples of 4, at least 8.
            telling: The blocks to look at, boolean, (B, 1, rows, columns) as `blocks_of` gives;
                None looks at all of them.

        Returns:
            Histograms, (B, rows, bins), not normalized, and the number of blocks, (B, 1). The
            last two rows tell of clipping.
        """
        levels, brightness = _block_levels(noisy)
        weight = torch.ones_like(brightness) if telling is None else telling.flatten(2).float()
        middle = weight * ((brightness > _MIDDLE[0]) & (brightness < _MIDDLE[1]))
        ends = (_ends(noisy) * weight).sum(2, keepdim=True).expand(-1, -1, _BINS)
        histograms = [_histogram(levels, weight), _histogram(levels, middle), ends]
        return torch.cat(histograms, 1), weight.sum(2)

    def conclude(self, evidence: Tensor, count: Tensor) -> Tensor:
        """The level on the scale of `to_scale`, (B,), from sums of histograms and of blocks."""
        density = evidence / count[..., None]
        axis = torch.linspace(-1, 1, _BINS, device=density.device).expand(len(density), 1, -1)
        features = self.head(torch.cat([4 * density, density.cumsum(2), axis], 1))
        for block in self.blocks:
            features = features + block(F.relu(features))
        likely = torch.softmax(self.tail(F.relu(features)).squeeze(1), 1)
        levels = torch.linspace(_LOWEST, _HIGHEST, _BINS, device=density.device).exp()
        levels[0] = 0  # the first bin stands for no noise at all
        level: Tensor = likely @ to_scale(levels / WHITE)
        return level

    def forward(self, noisy: Tensor) -> Tensor:
        """The level of each crop by itself, (B,), on the scale of `to_scale`."""
        return self.conclude(*self.evidence(noisy))

    @torch.no_grad()
    def estimate(self, crops: list[Tensor], telling: list[Tensor] | None = None) -> float:
        """Estimate the noise level of one picture, on the [0, 1] scale, from crops of it.

        Args:
            crops: The crops, each (1, C, H, W), about [0, 1]; H and W are multiples of 4, at
                least 8.
            telling: The blocks of each crop to look at, as for `evidence`; None looks at all.
        """
        chosen = [None] * len(crops) if telling is None else telling
        sums = [self.evidence(*pair) for pair in zip(crops, chosen, strict=True)]
        evidence = torch.stack([part[0] for part in sums]).sum(0)
        count = torch.stack([part[1] for part in sums]).sum(0)
        return float(from_scale(self.conclude(evidence, count)))


def _block_levels(noisy: Tensor) -> tuple[Tensor, Tensor]:
    """The log root mean square of each band in each block, and the brightness of each block.

    Returns:
        The first as positions on the axis of the histograms, (B, bands * C, N), the second as
        (B, 1, N).
    """
    batch, channels = noisy.shape[:2]
    noisy = opponent(noisy.float())  # noise stays white, pictures have little in the last two
    planes = noisy.reshape(batch * channels, 1, *noisy.shape[2:])
    transform = cosine_transform().to(planes)
    frequencies = F.conv2d(planes, transform[:, None], stride=_SIDE // 2).flatten(2)
    power = _band_means().to(planes) @ frequencies.square()
    levels = 0.5 * (power + 1e-12).log() + math.log(WHITE)
    position = (levels - _LOWEST) * ((_BINS - 1) / (_HIGHEST - _LOWEST))
    mean = frequencies[:, 0].reshape(batch, channels, -1)[:, :1] / _SIDE
    brightness = mean / channels**0.5
    return position.reshape(batch, channels * _BANDS, -1), brightness


def _ends(noisy: Tensor) -> Tensor:
    """The shares of each block's values beyond [0, 1] and at its ends, which tell of clipping.

    Returns:
        Both shares, (B, 2, N).
    """
    beyond = (noisy < 0) | (noisy > 1)
    at_ends = (noisy == 0) | (noisy == 1)
    shares = [values.float().mean(1, keepdim=True) for values in (beyond, at_ends)]
    return F.avg_pool2d(torch.cat(shares, 1), _SIDE, _SIDE // 2).flatten(2)


def blocks_of(planes: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the largest value in each block that a `NoiseLevelNet` looks at.

    Args:
        planes: The planes, (B, C, H, W).

    Returns:
        The least values and the largest ones, (B, C, rows, columns) each.
    """
    parts = F.max_pool2d(torch.cat([-planes, planes], 1), _SIDE // 2)  # of which each has four
    least, largest = torch.chunk(F.max_pool2d(parts, 2, 1), 2, 1)
    return -least, largest


def _histogram(position: Tensor, weight: Tensor) -> Tensor:
    """A weighted histogram along the last axis; a value counts in the two bins it lies between.

    Where energies overflow, their difference is not a number: such a value is among the highest.
    """
    position = position.nan_to_num(nan=_BINS - 1).clamp(0, _BINS - 1)
    lower = position.floor().clamp(max=_BINS - 2)
    share = position - lower
    index = lower.long()
    counts = position.new_zeros(*position.shape[:2], _BINS)
    counts.scatter_add_(2, index, (1 - share) * weight)
    return counts.scatter_add_(2, index + 1, share * weight)


@functools.cache
def cosine_transform() -> Tensor:
    """The orthonormal cosine transform of a block, (64, 8, 8).

    The wave of frequency i down and j across is the one at 8 i + j.
    """
    n = torch.arange(_SIDE, dtype=torch.float64)
    basis = torch.cos(math.pi / _SIDE * (n + 0.5) * n[:, None]) * (2 / _SIDE) ** 0.5
    basis[0] /= 2**0.5
    return torch.einsum("ui,vj->uvij", basis, basis).reshape(_SIDE**2, _SIDE, _SIDE).float()


@functools.cache
def _band_means() -> Tensor:
    """The matrix that averages squares over each band, (bands, 64)."""
    n = torch.arange(_SIDE)
    diagonal = (n[:, None] + n).flatten()
    bands = torch.stack([(diagonal + 1) // 2 == band for band in range(1, _BANDS + 1)]).float()
    means: Tensor = bands / bands.sum(1, keepdim=True)
    return means


def to_scale(sigma: Tensor) -> Tensor:
    """Convert a level to the scale on which levels are learned, log(1 + 255 sigma)."""
    return torch.log1p(sigma * WHITE)


def from_scale(level: Tensor) -> Tensor:
    """Undo `to_scale`; never negative."""
    return torch.expm1(level.clamp(min=0)) / WHITE
