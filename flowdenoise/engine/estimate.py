"""How noisy a picture is: an estimator or a prior judges crops that stand for it.

Not all of a picture can tell. Black bars, the white around a scan and the transparent surround of
a cut-out are constant, and constant areas say nothing about noise: they and their borders are left
out. In a drawing, a page of text or a screenshot, constant and other areas lie close together
everywhere. This is a sign of a clean picture, so there all areas count.

White noise is half as strong once a picture is reduced to half its size. If noise shows only at
half or a quarter of the size, it is not white: the picture was scaled up or smoothed. Such a
picture is never called clean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.engine import tiling
from flowdenoise.engine.noise_maps import NoiseMaps
from flowdenoise.flow import Glow, likeliest_sigma
from flowdenoise.images import Picture
from flowdenoise.networks import NoiseLevelNet, blocks_of

ESTIMATORS = {1: "noise-level-gray", 3: "noise-level-color"}
"""The shipped estimators of the noise level, by the number of a picture's channels."""

Verdict = Literal["noisy", "camera", "clean", "constant", "not white", "beyond"]

VERDICTS: dict[Verdict, str] = {
    "noisy": "it has noise",
    "camera": "it has the noise of a camera",
    "clean": "found clean",
    "constant": "constant, so nothing tells of noise",
    "not white": "its noise is not white, it was scaled or smoothed, and its level is not known",
    "beyond": "at least as noisy as can be told",
}
"""The verdicts that an estimate can give on a picture, each in words."""

_CROP, _MOST_CROPS = 256, 16  # an estimator sees crops of this side
_PATCHES = 48  # a prior, which is slower, sees patches of its own size
_BORDER = 2  # blocks next to a constant one that are left out with it
_DRAWN = 1 / 3  # of the blocks that vary: in a drawing more than this border on constant ones
_EQUAL = 1 / 4  # of neighboring pixels: more than this are equal in a drawing
_LEAST = 0.5 / 255  # a weaker noise can't be told from none
_LEAST_LOSSY = 1.5 / 255  # and in a JPEG file not from its compression
_HIDDEN = 1.5 / 255  # in the reduced picture, this is noise that the picture itself does not show
_MOST = 85 / 255  # where the scale of the estimators ends
_EXCESS = 1.1  # of the picture's own level: the channels' mean may be so much above it
_AGREES = 0.65  # of the channels' mean level: the picture's own is less where they see detail
_AGREE, _WHITE_GRAIN = 0.25, 1.25  # within these, noise is white unless it is surely a camera's
_SURELY = 0.92  # the probability of a camera's noise from which its maps are right
_WEAK, _STRONG = 1.5 / 255, 12 / 255  # so weak white noise is seen where there is none so strong
_SEEN = 0.25  # of the maps' level: white noise of more than that is what they took for a camera's
_NEARLY_WHITE = 1.6  # the noise of most cameras has a coarser grain
_DETAIL, _DETAIL_BESIDE_NOISE = 5 / 255, 8 / 255  # weaker noise of so fine a grain may be detail
_DETAIL_IF_DOUBTED = 10 / 255  # if it is not surely a camera's
_QUIET_SIDE, _QUIET, _FEWEST = 4, 0.01, 100  # blocks, the share of them that is quiet, how many
_QUIET_SHARE = {1: 0.48, 3: 0.66}  # of white noise's deviation is in them, by number of channels
_DOUBTED = 30 / 255  # a stronger noise is cut off in most blocks, which are then quieter
_FAINT = 3 / 255  # weaker noise of a camera is hardly seen, and its level is found too high
_UNEQUAL = 1.4  # times the least level in the largest: then channels have levels of their own


@dataclass(frozen=True)
class Estimate:
    """What is known of a picture's noise.

    Attributes:
        sigma: The level of the whole picture, on the [0, 1] scale.
        verdict: The meaning of that level, a key of `VERDICTS`.
        channels: The level of each channel, where the channels differ; else empty.
        maps: The maps of the noise, if it is that of a camera.
    """

    sigma: float
    verdict: Verdict
    channels: tuple[float, ...] = ()
    maps: NoiseMaps | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """The level of all channels, or that of each where they differ."""
        return self.channels or (self.sigma,)

    @property
    def untouched(self) -> bool:
        """Whether the picture stays as it is: there is no noise, or none that is known."""
        return self.verdict in ("clean", "constant", "not white")


def clean_below(picture: Picture) -> float:
    """The level below which a picture is clean, on the [0, 1] scale.

    It is the step of the picture's samples, or what its compression may have done.
    """
    black, white = picture.span
    step = 0.0 if picture.samples.dtype.kind == "f" else 1 / (white - black)
    return max(step, _LEAST if picture.lossless else _LEAST_LOSSY)


def estimate_noise(
    picture: Picture,
    judge: NoiseLevelNet | Glow,
    device: torch.device,
    *,
    channel_judge: NoiseLevelNet | None = None,
) -> Estimate:
    """Estimate the noise of a picture.

    Args:
        picture: A picture of any size.
        judge: An estimator, or a prior that is conditioned on the noise level, which is asked
            at which level the picture is likeliest.
        device: The device on which the judges are.
        channel_judge: An estimator for single channels, which tells whether they differ.
    """
    least = clean_below(picture)
    if isinstance(judge, Glow):
        patches = [crop for crop, _ in crops(picture, judge.config.size, _PATCHES)]
        sigma = likeliest_sigma(judge, torch.cat(patches[:_PATCHES]).to(device))
        return Estimate(sigma, "clean" if sigma < least else "noisy")
    clues = _gather(picture, device)
    if not clues.varying:
        return Estimate(0.0, "constant")
    telling = clues.known if clues.drawn else clues.telling
    sigma = judge.estimate(clues.crops, telling)
    if sigma < least:
        return Estimate(sigma, "not white" if _is_hidden(clues, judge) else "clean")
    channels: tuple[float, ...] = ()
    if channel_judge is not None:
        channels = by_channel(clues.crops, telling, channel_judge, sigma)
    if sigma < _DOUBTED and picture.lossless:
        most = max(least, quietest(clues.crops, telling))
        channels = tuple(level * min(1.0, most / sigma) for level in channels)
        sigma = min(sigma, most)
    return Estimate(sigma, "beyond" if sigma > _MOST else "noisy", channels)


def together(estimates: list[Estimate]) -> Estimate:
    """Combine the estimates of a picture's planes; a picture without planes is constant."""
    if not estimates:
        return Estimate(0.0, "constant")
    if len(estimates) == 1:
        return estimates[0]
    order = ("constant", "clean", "not white", "noisy", "beyond", "camera")
    worst = max((estimate.verdict for estimate in estimates), key=order.index)
    sigma = math.sqrt(sum(estimate.sigma**2 for estimate in estimates) / len(estimates))
    return Estimate(sigma, worst)


def camera_or_white(white: Estimate, maps: NoiseMaps, channels: int) -> Estimate:
    """Decide whether noise is white or that of a camera.

    Args:
        white: The estimate that assumes white noise.
        maps: The maps of noise of any kind.
        channels: The number of channels of the picture.
    """
    if maps.kind == "clean" or maps.sigma < _FAINT:
        return white
    sure = maps.confidence >= _SURELY
    seen_alone = white.verdict != "not white" and _LEAST <= white.sigma < _WEAK
    if not sure and seen_alone and (channels == 1 or maps.sigma < _STRONG):
        return white
    if channels == 1:  # its floor can't tell noise of a camera from white noise
        return Estimate(maps.sigma, "camera", maps=maps) if white.untouched else white
    if maps.kind == "white" and white.verdict != "not white":
        return white
    agree = abs(math.log(max(white.sigma, _LEAST) / maps.level("brightness"))) < _AGREE
    alike = maps.grain < _WHITE_GRAIN and (bool(white.channels) or agree)
    if not white.untouched and alike and not sure:
        return white
    doubted = max(_DETAIL_BESIDE_NOISE, white.sigma)
    if white.untouched and maps.kind == "camera":
        doubted = _DETAIL if sure else _DETAIL_IF_DOUBTED
    seen = not sure and white.verdict == "noisy" and white.sigma > _SEEN * maps.sigma
    if maps.grain < _NEARLY_WHITE and (seen or maps.sigma < doubted):
        return white
    return Estimate(maps.sigma, "camera", maps=maps)


@dataclass
class _Clues:
    """Crops of a picture, and which of their blocks tell of noise.

    Attributes:
        crops: The crops, each (1, C, side, side).
        known: The blocks of each crop whose pixels all have data and are visible, (1, 1, rows,
            columns).
        telling: The known blocks that lie apart from constant ones.
        varying: The number of known blocks that are not constant.
        equal: The share of pixels that equal their neighbor, for each crop.
    """

    crops: list[Tensor] = field(default_factory=list)
    known: list[Tensor] = field(default_factory=list)
    telling: list[Tensor] = field(default_factory=list)
    varying: int = 0
    equal: list[float] = field(default_factory=list)

    @property
    def drawn(self) -> bool:
        """Whether constant and other areas lie close together, as in drawings and text."""
        return self.enough < (1 - _DRAWN) * self.varying

    @property
    def enough(self) -> int:
        """The number of blocks that tell of noise."""
        return sum(int(blocks.sum()) for blocks in self.telling)

    def add(self, crop: Tensor, visible: Tensor | None) -> None:
        """Add a crop, unless all of it is constant or unknown."""
        least, largest = blocks_of(crop)
        constant = (least == largest).any(1, keepdim=True)
        known = torch.ones_like(constant)
        if visible is not None:
            known = blocks_of(visible)[0] > 0
        varying = known & ~constant
        if not varying.any():
            return
        side = 2 * _BORDER + 1
        near = F.max_pool2d((constant & known).float(), side, 1, _BORDER) > 0
        self.crops.append(crop)
        self.known.append(known)
        self.telling.append(varying & ~near)
        self.varying += int(varying.sum())
        self.equal.append(float((crop[..., 1:] == crop[..., :-1]).all(1).float().mean()))


def _gather(picture: Picture, device: torch.device) -> _Clues:
    """Collect crops until enough of their blocks tell of noise, or there are no more."""
    clues = _Clues()
    for seen, (crop, visible) in enumerate(crops(picture, _CROP, _MOST_CROPS), start=1):
        clues.add(crop.to(device), None if visible is None else visible.to(device))
        blocks = (4 * _CROP // 16 - 1) ** 2  # of one crop
        if seen >= _MOST_CROPS and clues.enough >= blocks * _MOST_CROPS // 4:
            break
    return clues


def _is_hidden(clues: _Clues, judge: NoiseLevelNet) -> bool:
    """Whether a picture that looks clean shows noise at half or a quarter of its size."""
    if clues.drawn or sum(clues.equal) > _EQUAL * len(clues.equal):
        return False
    reduced = ([F.avg_pool2d(crop, factor) for crop in clues.crops] for factor in (2, 4))
    return any(judge.estimate(crops) > _HIDDEN for crops in reduced)


def by_channel(
    crops: list[Tensor], telling: list[Tensor], judge: NoiseLevelNet, sigma: float
) -> tuple[float, ...]:
    """The level of each channel if the levels differ much, else nothing.

    All channels together tell noise from fine detail better than a single one. So if the single
    channels have far more on average, they have taken detail for noise, and nothing is returned;
    and if they have somewhat more, what they have too much is taken from all of them alike.

    Args:
        crops: The crops, each (1, C, H, W).
        telling: The blocks of each crop to look at.
        judge: An estimator for single channels.
        sigma: The level of all channels together.

    Returns:
        The levels on the [0, 1] scale.
    """
    planes = [[crop[:, channel, None] for crop in crops] for channel in range(crops[0].shape[1])]
    levels = tuple(judge.estimate(plane, telling) for plane in planes)
    differ = max(levels) > max(_UNEQUAL * min(levels), 2 * _LEAST)
    mean = math.sqrt(sum(level**2 for level in levels) / len(levels))
    return _without_detail(levels, sigma) if differ and sigma > _AGREES * mean else ()


def _without_detail(levels: tuple[float, ...], sigma: float) -> tuple[float, ...]:
    """The levels of channels without the variance that is detail in all of them.

    What the channels together show is about the mean of their levels.
    """

    def without(variance: float) -> list[float]:
        return [math.sqrt(max(level**2 - variance, 0.0)) for level in levels]

    low, high = 0.0, max(levels) ** 2
    if sum(levels) <= _EXCESS * sigma * len(levels):
        return levels
    for _ in range(40):
        middle = (low + high) / 2
        if sum(without(middle)) > _EXCESS * sigma * len(levels):
            low = middle
        else:
            high = middle
    return tuple(without(high))


def quietest(crops: list[Tensor], telling: list[Tensor]) -> float:
    """The noise of the quietest places: white noise is nowhere weaker.

    Where detail covers most of a picture, an estimator may take some of it for noise. Differences
    across two rows and two columns have the deviation of white noise; and of small blocks few
    have less than this, unless their noise was cut off at black or white.

    Args:
        crops: Each (1, C, H, W).
        telling: The blocks of each to look at.

    Returns:
        The level on the [0, 1] scale; infinite where too few blocks tell.
    """
    energies, means = [], []
    for crop, blocks in zip(crops, telling, strict=True):
        rows = crop[..., 1:, :] - crop[..., :-1, :]
        twice = F.pad((rows[..., 1:] - rows[..., :-1]) / 2, (0, 1, 0, 1))
        energy = F.avg_pool2d(twice.square().mean(1, keepdim=True), _QUIET_SIDE)
        ends = ((crop <= 0) | (crop >= 1)).any(1, keepdim=True).float()
        inside = (F.max_pool2d(ends, _QUIET_SIDE)[..., :-1, :-1] == 0) & blocks
        energies.append(energy[..., :-1, :-1][inside])
        mean = F.avg_pool2d(crop.mean(1, keepdim=True), _QUIET_SIDE)
        means.append(mean[..., :-1, :-1][inside])
    brightness = torch.cat(means)
    if len(brightness) < 2 * _FEWEST:
        return math.inf
    bright = torch.cat(energies)[brightness >= brightness.median()]
    return float(bright.quantile(_QUIET).sqrt()) / _QUIET_SHARE[crops[0].shape[1]]


def crops(picture: Picture, side: int, most: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Square crops of a picture: the first `most` spread evenly over it, then those between.

    At the borders crops overlap; a picture smaller than a crop is mirrored.

    Args:
        picture: A picture of any size.
        side: The side of the crops, in pixels.
        most: The number of crops in a round.

    Yields:
        The crop, (1, C, side, side) float32, and a mask (1, 1, side, side): 1 where the crop has
        data that is not wholly transparent, 0 elsewhere; None if it were 1 everywhere.
    """
    height, width = picture.samples.shape[:2]
    rows, columns = (-(-length // side) for length in (height, width))
    places = [(row * side, column * side) for row in range(rows) for column in range(columns)]
    step = -(-len(places) // most)
    for top, left in (place for first in range(step) for place in places[first::step]):
        top, left = min(top, max(0, height - side)), min(left, max(0, width - side))
        part = (slice(top, top + side), slice(left, left + side))
        crop = picture.tensor(*part)
        down, across = (tiling.mirror(side, length) for length in crop.shape[-2:])
        known = _known(picture, part)
        if known is not None:
            known = known[:, :, down][..., across]
        yield crop[:, :, down][..., across], known


def _known(picture: Picture, part: tuple[slice, slice]) -> Tensor | None:
    """Where a part of a picture has data that is not wholly transparent; None if everywhere."""
    if picture.alpha is None and picture.no_data is None:
        return None
    known = np.ones(picture.samples[part].shape[:2], bool)
    if picture.alpha is not None:
        known &= picture.alpha[part] > 0
    if picture.no_data is not None:
        known &= ~picture.no_data[part]
    return torch.from_numpy(known)[None, None].float()
