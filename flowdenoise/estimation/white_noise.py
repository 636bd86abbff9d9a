"""The level of white noise: an estimator or a prior judges crops that stand for a picture.

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
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.estimation.estimate import WEAKEST, WEAKEST_LOSSY, Estimate
from flowdenoise.flow import Glow, likeliest_sigma
from flowdenoise.images import Picture
from flowdenoise.images.borders import mirror
from flowdenoise.networks import NoiseLevelNet, blocks_of

ESTIMATORS = {1: "noise-level-gray", 3: "noise-level-color"}
"""The shipped estimators of the noise level, by the number of a picture's channels."""

CROPS = 16
"""The number of crops of a large picture that an estimator looks at; more if these tell little."""

# The crops that are looked at, and which of their blocks tell of noise.
_CROP = 256  # the side of those that an estimator sees
_PATCHES = 48  # a prior, which is slower, sees patches of its own size
_ROW, _COLUMN = math.sqrt(2), (1 + math.sqrt(5)) / 2  # what sorts crops by fractions of their sums
# is spread evenly, as no share of both is nearly whole
_BORDER = 2  # blocks next to a constant one that are left out with it
_DRAWN = 1 / 3  # of the blocks that vary: in a drawing more than this border on constant ones
_EQUAL = 1 / 4  # of neighboring pixels: more than this are equal in a drawing

_MOST_VALUES = 1 << 18  # of a channel, that tell of its steps

# Levels, on the [0, 1] scale.
_HIDDEN = 1.5 / 255  # in the reduced picture, this is noise that the picture itself does not show
_DOUBTED = 30 / 255  # a stronger noise is cut off in most blocks, which are then quieter
_MOST = 85 / 255  # where the scale of the estimators ends

# Levels of single channels.
_UNEQUAL = 1.4  # times the least level in the largest: then channels have levels of their own
_AGREES = 0.65  # of the channels' mean level: the picture's own is less where they see detail
_EXCESS = 1.1  # of the picture's own level: the channels' mean may be so much above it

# The quietest places: blocks of 4x4 pixels, of which one in a hundred is quiet.
_QUIET_SIDE, _QUIET = 4, 0.01
_QUIET_SHARE = {1: 0.48, 3: 0.66}  # of white noise's deviation is in them, by number of channels
_FEWEST = 100  # blocks that tell a quantile

# The calmest places are as quiet, and noise may have been cut off there.
_CALM_SHARE = {1: 0.45, 3: 0.57}  # of white noise's deviation is in them on average
_NEAR_END, _IN_TWO = 4 / 255, 0.4  # so many values lie so near an end in black and white print
_CONTRADICTED = 2.0  # times the level of the calmest places: no picture has so much white noise
_LOSSY_CONTRADICTED = {1: 2.2, 3: 6.0}  # likewise in a JPEG file, which makes places calmer,
_LOSSY_STRONG = 16 / 255  # and removes most of weaker noise from them


def clean_below(picture: Picture) -> float:
    """The level below which a picture is clean, on the [0, 1] scale.

    It is the step of the picture's samples, or what its compression may have done.
    """
    black, white = picture.span
    step = 0.0 if picture.samples.dtype.kind == "f" else 1 / (white - black)
    return max(step, WEAKEST if picture.lossless else WEAKEST_LOSSY)


def dithered_below(picture: Picture) -> float:
    """The level below which noise can't be told from dither, on the [0, 1] scale.

    What is brought to a few values is often dithered, which errs by half a step at most: half of
    the smallest difference between values that occur.
    """
    flat = picture.samples.reshape(-1, picture.channels)
    some = flat[:: -(-len(flat) // _MOST_VALUES)]
    steps = [np.diff(np.unique(channel)) for channel in some.T]
    least = min((float(step.min()) for step in steps if step.size), default=0.0)
    black, white = picture.span
    return least / 2 / (white - black)


def estimate_white_noise(
    picture: Picture,
    judge: NoiseLevelNet | Glow,
    device: torch.device,
    *,
    channel_judge: NoiseLevelNet | None = None,
    most: int = CROPS,
) -> Estimate:
    """Estimate the white noise of a picture.

    Args:
        picture: A picture of any size.
        judge: An estimator, or a prior that is conditioned on the noise level, which is asked
            at which level the picture is likeliest.
        device: The device on which the judges are.
        channel_judge: An estimator for single channels, which tells whether they differ.
        most: The number of crops that an estimator looks at; more if these tell little.
    """
    least = clean_below(picture)
    if isinstance(judge, Glow):
        found = islice(crops(picture, judge.config.size, _PATCHES), _PATCHES)
        sigma = likeliest_sigma(judge, torch.cat([crop for crop, _ in found]).to(device))
        return Estimate(sigma, "clean" if sigma < least else "noisy")
    clues = _gather(picture, device, most)
    if not clues.varying:
        return Estimate(0.0, "constant")
    telling = clues.known if clues.drawn else clues.telling
    sigma = judge.estimate(clues.crops, telling)
    calm = calmest(clues.crops, telling)
    bound = (_CONTRADICTED if picture.lossless else _LOSSY_CONTRADICTED[picture.channels]) * calm
    shown = picture.lossless or clues.drawn or sigma >= _LOSSY_STRONG
    contradicted = shown and sigma > bound
    if contradicted and picture.lossless:
        sigma = calm
    if sigma < least:
        return Estimate(sigma, "not white" if _is_hidden(clues, judge) else "clean")
    if contradicted and not picture.lossless:
        return Estimate(calm, "not white")
    if sigma < dithered_below(picture):
        return Estimate(sigma, "not white")
    channels: tuple[float, ...] = ()
    if channel_judge is not None and not contradicted:
        channels = by_channel(clues.crops, telling, channel_judge, sigma)
    if sigma < _DOUBTED and picture.lossless:
        bound = max(least, quietest(clues.crops, telling))
        channels = tuple(level * min(1.0, bound / sigma) for level in channels)
        sigma = min(sigma, bound)
    return Estimate(sigma, "beyond" if sigma > _MOST else "noisy", channels)


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


def _gather(picture: Picture, device: torch.device, most: int) -> _Clues:
    """Collect crops until enough of their blocks tell of noise, or there are no more."""
    clues = _Clues()
    for seen, (crop, visible) in enumerate(crops(picture, _CROP, most), start=1):
        clues.add(crop.to(device), None if visible is None else visible.to(device))
        blocks = (4 * _CROP // 16 - 1) ** 2  # of one crop
        if seen >= most and clues.enough >= blocks * most // 4:
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
    differ = max(levels) > max(_UNEQUAL * min(levels), 2 * WEAKEST)
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
    return _of_quiet_places(crops, telling, at_ends=False) / _QUIET_SHARE[crops[0].shape[1]]


def calmest(crops: list[Tensor], telling: list[Tensor]) -> float:
    """What noise the calmest places of a picture would mean, if it were white.

    Black text on white, a mask or a printed code is at the ends of the range nearly everywhere,
    and an estimator takes its edges for strong noise that was cut off there. But noise that is cut
    off leaves half of its values even on the whitest paper, so it is hardly anywhere much weaker
    than on average. As above, bright places tell; in print, also the black paper of white text.

    Args:
        crops: Each (1, C, H, W).
        telling: The blocks of each to look at.

    Returns:
        The level on the [0, 1] scale; infinite where too few blocks tell.
    """
    ends = [((crop < _NEAR_END) | (crop > 1 - _NEAR_END)).float().mean() for crop in crops]
    in_two = sum(map(float, ends)) >= _IN_TWO * len(ends)
    quiet = _of_quiet_places(crops, telling, at_ends=True, in_dark=in_two)
    return quiet / _CALM_SHARE[crops[0].shape[1]]


def _of_quiet_places(
    crops: list[Tensor], telling: list[Tensor], *, at_ends: bool, in_dark: bool = False
) -> float:
    """The deviation in the quietest blocks: of the brighter half, as light has less in the dark.

    Args:
        crops: Each (1, C, H, W).
        telling: The blocks of each to look at.
        at_ends: Whether blocks count that have values at the ends of the range.
        in_dark: Whether the darker half of the blocks counts, too.

    Returns:
        The level on the [0, 1] scale; infinite where too few blocks tell.
    """
    energies, means = [], []
    for crop, blocks in zip(crops, telling, strict=True):
        chosen = blocks
        if not at_ends:
            ends = ((crop <= 0) | (crop >= 1)).any(1, keepdim=True).float()
            chosen = (F.max_pool2d(ends, _QUIET_SIDE)[..., :-1, :-1] == 0) & blocks
        energies.append(_energies(crop)[chosen])
        mean = F.avg_pool2d(crop.mean(1, keepdim=True), _QUIET_SIDE)
        means.append(mean[..., :-1, :-1][chosen])
    brightness = torch.cat(means)
    if len(brightness) < 2 * _FEWEST:
        return math.inf
    quiet = torch.cat(energies)
    if in_dark:
        return float(quiet.quantile(_QUIET / 2).sqrt())  # as many blocks as of one half
    return float(quiet[brightness >= brightness.median()].quantile(_QUIET).sqrt())


def _energies(crop: Tensor) -> Tensor:
    """The mean squares of differences across two rows and two columns in blocks of a crop.

    They have the variance of white noise.
    """
    rows = crop[..., 1:, :] - crop[..., :-1, :]
    twice = F.pad((rows[..., 1:] - rows[..., :-1]) / 2, (0, 1, 0, 1))
    return F.avg_pool2d(twice.square().mean(1, keepdim=True), _QUIET_SIDE)[..., :-1, :-1]


def crops(picture: Picture, side: int, most: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Square crops of a picture in rounds of `most`, each of which is spread evenly over it.

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
    places = [(row, column) for row in range(rows) for column in range(columns)]
    if len(places) > most:
        places.sort(key=lambda place: (_ROW * place[0] + _COLUMN * place[1]) % 1)
    for row, column in places:
        top, left = row * side, column * side
        top, left = min(top, max(0, height - side)), min(left, max(0, width - side))
        part = (slice(top, top + side), slice(left, left + side))
        crop = picture.tensor(*part)
        down, across = (mirror(side, length) for length in crop.shape[-2:])
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
