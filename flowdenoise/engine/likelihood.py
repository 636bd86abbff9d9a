"""How likely a picture is under the prior, and where it is unlikely.

A likelihood says how well the prior expects a picture. It is given in bits per value, which a
perfect coder that knows the prior would need to store the picture. It does not measure quality:
flat patches score high, and so does a blurred picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from flowdenoise import metrics, noise
from flowdenoise.engine.tiles import tiling
from flowdenoise.engine.tiles.tiling import TilingConfig
from flowdenoise.errors import UsageError
from flowdenoise.flow import Glow, dequantize
from flowdenoise.images import Picture, as_floats

_STOPS = torch.tensor(  # dark blue, blue, teal, yellow, white: dark is expected
    [[0.05, 0.03, 0.25], [0.15, 0.25, 0.65], [0.1, 0.6, 0.55], [0.95, 0.85, 0.25], [1, 1, 1]]
)
HEAT_RANGE = (0.0, 8.0)
"""Bits per value at the two ends of the heat map's colors; 8 is no compression at all."""

_EXTREMES = (0.01, 0.99)  # quantiles at the ends of a relative scale


@dataclass(frozen=True)
class Score:
    """A prior's score of a picture.

    Attributes:
        bits_per_dim: The bits per 8-bit value, averaged over the picture.
        heat: The bits per value around each pixel, (H, W).
    """

    bits_per_dim: float
    heat: Tensor


@torch.no_grad()
def score(flow: Glow, picture: Picture, *, seed: int = 0, batch: int = 32) -> Score:
    """Compute the bits per dimension of a picture, overall and place by place.

    Uniform noise fills the gaps between the 8-bit values, as in training.

    Args:
        flow: A prior for pictures of that many channels.
        picture: A picture of any size; it is mirrored where it is smaller than a patch.
        seed: The seed of the noise.
        batch: The number of patches at a time.

    Raises:
        UsageError: The picture's channels are not those of the prior.
    """
    config = flow.config
    if picture.channels != config.image_channels:
        raise UsageError(
            f"this prior is for {config.image_channels} channels, the picture has "
            f"{picture.channels}"
        )
    generator = torch.Generator().manual_seed(seed)

    def bits(tiles: Tensor) -> Tensor:
        values = as_floats((tiles * noise.WHITE).round())
        spread = torch.rand(values.shape, generator=generator).to(values)
        rate = metrics.bits_per_dim(flow(dequantize(values, spread), 0.0), config.dimensions)
        return rate.view(-1, 1, 1, 1).expand(-1, 1, *tiles.shape[2:])

    def place_by_place(cut: TilingConfig) -> Tensor:
        image = picture.tensor().to(next(flow.parameters()))
        return tiling.apply(image, bits, cut, fixed=True)[0, 0]

    side = config.size
    whole = place_by_place(TilingConfig(side, 0, 0, batch))
    heat = place_by_place(TilingConfig(side, 0, side // 2, batch))
    return Score(float(whole.mean()), heat)


def relative_range(heat: Tensor) -> tuple[float, float]:
    """The range of a picture's own bits per value, (H, W), without its rarest hundredths."""
    low, high = np.quantile(heat.cpu().numpy(), _EXTREMES).tolist()
    return low, max(high, low + 1e-3)


def heat_map(heat: Tensor, bounds: tuple[float, float] = HEAT_RANGE) -> Tensor:
    """Color bits per value: dark is expected, bright is a surprise.

    Args:
        heat: The bits per value, (H, W).
        bounds: The bits per value at the two ends of the colors. `HEAT_RANGE` makes pictures
            comparable; `relative_range` shows where in a picture the surprises are.

    Returns:
        (3, H, W) in [0, 1].
    """
    low, high = bounds
    place = ((heat - low) / (high - low)).clamp(0, 1) * (len(_STOPS) - 1)
    below = place.floor().long().clamp(max=len(_STOPS) - 2)
    share = (place - below)[..., None]
    stops = _STOPS.to(heat.device)
    return (stops[below] * (1 - share) + stops[below + 1] * share).permute(2, 0, 1)
