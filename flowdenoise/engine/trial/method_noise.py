r"""What a denoiser removes tells whether it was noise.

The estimator of noise maps sees energies, and takes dense texture for noise: it finds the weak
noise of a leafy photograph at a low ISO up to ten times too strong. What a denoiser removes when
it believes that, the "method noise" of Buades, Coll and Morel ("A review of image denoising
algorithms, with a new one", Multiscale Modeling and Simulation 4, 2005), shows the mistake. Noise
is strong beside the detail that remains, the color noise of a camera is coarse, and neither knows
where the detail is. Texture that was removed is weak beside what is left of it, has fine
color, and is where the texture is. Noise is everywhere alike, too, where texture comes in places,
and has no direction.

    a few windows --maps--> quick denoiser -> removed -> signs --logistic--> share of the levels

So a few windows are denoised first, and what the signs say becomes a share of the levels. Their
weights were chosen on simulated photographs and on Nam25, so that pictures gain most, a loss
counting three times (examples/experiments/share_of_noise.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser
from flowdenoise.engine.trial.periodicity import periodicity
from flowdenoise.engine.trial.windows import Trial
from flowdenoise.estimation import CELL, NoiseMaps, Phase, is_inside, varies
from flowdenoise.images import Picture
from flowdenoise.networks import MAPS, around, band_energies, measured, opponent

_WHITE = 255.0
_TINY = 0.01  # of 255: less is nothing
_PLAIN, _COLORED = 0.3, 0.25  # signs that neither texture nor white noise gives
_EVEN = 0.1  # a sign of noise that is everywhere
_DIRECTED, _UNEVEN = 0.2, 0.4  # signs that the noise of a camera does not give
_PERIODIC = 0.3  # likewise; what is removed of noisy photographs reaches 0.04
_UNEVEN_IF_DOUBTED, _DOUBTED = 0.26, 0.3  # likewise, if so probable is a clean picture
_AVOIDING = -0.4  # a place that clean pictures do not have beside a share of noise
_ENOUGH = 0.05  # of the cells that tell: so many whose values are all inside the range tell best
_MOSTLY = 0.4  # likewise: the others count, too, if so many are
_DARK, _BRIGHT = 0.2, 0.8  # between them is middle brightness
_UNDIRECTED, _EVENLY = 0.08, 0.22  # signs of noise that is weaker than the detail beside it


@dataclass(frozen=True)
class Signs:
    """Signs that what was removed is noise, or is texture.

    Attributes:
        strength: The logarithm of the ratio of removed brightness to the detail that is left.
        grain: The logarithm of the grain of the noise maps.
        color: The correlation of neighboring pixels in removed color; 0 for a gray picture.
        place: The rank correlation of how much was removed, beside what was told, with how much
            texture is left there.
        direction: The correlation of neighbors in removed brightness: how much it differs between
            those that are side by side and those that are one above the other.
        unevenness: The deviation, from cell to cell, of the logarithm of how much fine brightness
            was removed beside what was told.
        periodicity: The share of removed brightness that repeats itself.
    """

    strength: float
    grain: float
    color: float
    place: float
    direction: float
    unevenness: float
    periodicity: float = 0.0

    @property
    def are_plain(self) -> bool:
        """Whether it is certainly noise, stronger than all detail, and more colored than white."""
        return self.strength >= _PLAIN and self.are_colored

    @property
    def are_colored(self) -> bool:
        """Whether its color is coarser than that of white noise and of texture."""
        return self.color >= _COLORED

    @property
    def avoid_texture(self) -> bool:
        """Whether far less was removed where there is texture, and it is more than white."""
        return self.place <= _AVOIDING and self.are_colored

    @property
    def are_beside_detail(self) -> bool:
        """Whether it has no direction and is even, though stronger detail is left beside it.

        Where texture is taken for noise, it has one of these, or hardly any detail is left.
        """
        return self.have_no_direction and self.unevenness <= _EVENLY and self.strength <= 0

    @property
    def have_no_direction(self) -> bool:
        """Whether neighbors are as alike side by side as one above the other."""
        return self.direction <= _UNDIRECTED

    @property
    def are_all_detail(self) -> bool:
        """Whether it has a direction and comes in places, and hardly any detail is left of it."""
        return self.direction >= _DIRECTED and self.unevenness > _EVEN and self.strength > 0

    @property
    def repeats(self) -> bool:
        """Whether it repeats itself, as a weave or the dots of a print do."""
        return self.periodicity >= _PERIODIC

    def are_of_texture(self, clean: float) -> bool:
        """Whether it is certainly not noise.

        Where less is removed of texture than elsewhere, it is less even for that reason.

        Args:
            clean: The probability of a clean picture according to the estimator alone.
        """
        doubted = clean >= _DOUBTED and not self.avoid_texture
        uneven = self.unevenness >= (_UNEVEN_IF_DOUBTED if doubted else _UNEVEN)
        return self.repeats or self.direction >= _DIRECTED or uneven


WEIGHTS = {
    3: (-0.769, {"strength": 2.286, "grain": -5.681, "color": 10.292, "place": -4.412}),
    1: (1.657, {"strength": 0.821, "place": -7.089, "direction": -22.109}),
}
"""The bias and the weights of signs by the number of channels, from share_of_noise.py."""


def share_of_noise(signs: Signs, channels: int) -> float:
    """The share of the levels of noise maps that a denoiser should be told, from 0 to 1.

    Args:
        signs: What was removed by a denoiser that was told all of the levels.
        channels: The number of channels of the picture, 1 or 3.
    """
    bias, weights = WEIGHTS[channels]
    terms = (weight * getattr(signs, sign) for sign, weight in weights.items())
    return 1 / (1 + math.exp(-bias - sum(terms)))


def signs_of_noise(
    picture: Picture,
    maps: NoiseMaps,
    network: TileDenoiser,
    device: torch.device,
    phase: Phase | None = None,
) -> Signs | None:
    """Denoise a few windows of a photograph, and look at what was removed.

    Args:
        picture: A picture, color or gray.
        maps: The noise maps of the whole picture.
        network: A denoiser that is told such maps, on the device.
        device: The device that computes.
        phase: Where the red of its mosaic is; None looks for it.

    Returns:
        The signs; None for a picture that is too small to show any.
    """
    if (trial := Trial.of(picture, maps, network, device, phase)) is None:
        return None
    telling = varies(trial.pixels)[:, 0]
    if not telling.any():
        return None
    return _signs(trial, telling, maps.grain)


def removed_share(pixels: Tensor, removed: Tensor, sigma: float) -> float | None:
    """How much of white noise a denoiser removed that was told its level, about 0 to 1.

    Cells of one color and those with values at an end of the range do not count.

    Args:
        pixels: Windows of a picture, (B, C, h, w).
        removed: What was removed from them, likewise.
        sigma: The level of the noise, on the [0, 1] scale.

    Returns:
        The root mean square of what was removed, over sigma; None where nothing tells.
    """
    squares = removed.square().mean(1, keepdim=True)
    telling = varies(pixels) & is_inside(pixels)
    if not telling.any():
        return None
    return float(F.avg_pool2d(squares, CELL)[telling].mean().sqrt()) / sigma


def _signs(trial: Trial, telling: Tensor, grain: float) -> Signs:
    """The signs in windows of which the cells that tell are given, (B, h/8, w/8).

    Cells of one color say nothing of the place; elsewhere they count for nothing anyway. Where
    values are at an end of the range, there is less noise than anywhere else.
    """
    removed, levels = trial.removed, trial.levels
    noise, planes = opponent(_WHITE * removed), opponent(_WHITE * trial.denoised)
    brightness, detail = noise[:, :1], _detail(planes[:, :1])
    whole = _unclipped(trial, telling)
    seen = whole if whole.sum() < _MOSTLY * telling.sum() else torch.ones_like(whole)
    ratio = (_rms(brightness, seen) + _TINY) / (_rms(detail, seen) + _TINY)
    fine, coarse = MAPS.index("brightness"), MAPS.index("brightness, coarse")
    share = around(measured(removed)).sqrt() / levels
    texture = around(band_energies(trial.denoised)[:, 0]).sum(1)
    even = brightness / F.interpolate(levels[:, coarse, None], size=brightness.shape[2:])
    logs = share[:, fine][whole].clamp(min=_TINY).log()
    return Signs(
        strength=math.log(ratio),
        grain=math.log(grain),
        color=sum(_neighbors(noise[:, 1:], axis) for axis in (2, 3)) / 2,
        place=_correlation(_ranks(share[:, coarse][telling]), _ranks(texture[telling])),
        direction=abs(_neighbors(even, 3) - _neighbors(even, 2)),
        unevenness=float(logs.std(correction=0)),
        periodicity=periodicity(removed),
    )


def _unclipped(trial: Trial, telling: Tensor) -> Tensor:
    """The cells that tell whose noise is whole, (B, h/8, w/8).

    If hardly any has no value at an end of the range, as where noise is very strong, those of
    middle brightness are the next best.
    """
    inside = telling & is_inside(trial.pixels)[:, 0]
    if inside.sum() >= _ENOUGH * telling.sum():
        return inside
    means = F.avg_pool2d(trial.denoised, CELL)
    middle = telling & ((means > _DARK) & (means < _BRIGHT)).all(1)
    return middle if middle.any() else telling


def _rms(planes: Tensor, cells: Tensor) -> float:
    """The root mean square of planes (B, 1, h, w) in some of their cells, (B, h/8, w/8)."""
    return float(F.avg_pool2d(planes.square(), CELL)[:, 0][cells].mean().sqrt())


def _detail(planes: Tensor) -> Tensor:
    """What means over 5x5 pixels leave out, (B, 1, h, w)."""
    padded = F.pad(planes, (2,) * 4, mode="reflect")
    return planes - F.avg_pool2d(padded, 5, stride=1)


def _neighbors(planes: Tensor, axis: int) -> float:
    """The correlation of neighbors along an axis, the mean over channels; 0 if there are none."""
    if not planes.shape[1]:
        return 0.0
    pairs = planes.shape[axis] - 1
    products = planes.narrow(axis, 0, pairs) * planes.narrow(axis, 1, pairs)
    squares = planes.square().mean((0, 2, 3)).clamp(min=_TINY**2)
    return float((products.mean((0, 2, 3)) / squares).mean())


def _ranks(values: Tensor) -> Tensor:
    return values.flatten().argsort().argsort().double()


def _correlation(first: Tensor, second: Tensor) -> float:
    first, second = (values - values.mean() for values in (first, second))
    scale = (first.square().mean() * second.square().mean()).sqrt()
    return float((first * second).mean() / scale.clamp(min=_TINY**2))
