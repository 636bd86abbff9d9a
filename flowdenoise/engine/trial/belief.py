"""How much of what was found out about a picture's noise is believed, by what a denoiser removes.

    finding --a few windows--> quick denoiser -> removed -> signs -> finding that is believed

If a sign is that of texture alone, maps of a camera's noise do not hold, unless the file says that
the ISO was high; else the picture is told the share of their levels that the signs give. Maps that
another estimate spoke against hold after all if the signs are those of noise alone, or in color if
the estimator holds a clean picture for improbable and most of the noise is believed.

White noise shows itself more simply: a denoiser that is told its level removes most of it. Where
it removes little, compression or scaling has left something that only has the energy of noise. In
gray, where color can't tell, it may be dense texture, too, which maps then take for strong noise.

All numbers were chosen on `bsds500-val32`, the photographs of docs/heldout.csv, Nam25 and
simulated cameras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import torch

from flowdenoise.engine.tiles.tile_denoiser import TileDenoiser
from flowdenoise.engine.trial.method_noise import (
    Signs,
    removed_share,
    share_of_noise,
    signs_of_noise,
)
from flowdenoise.engine.trial.periodicity import periodicity
from flowdenoise.engine.trial.soft_texture import SoftTexture
from flowdenoise.engine.trial.windows import middle_of, phase_of, pixels_of, windows
from flowdenoise.estimation import (
    Estimate,
    Finding,
    NoiseMaps,
    Phase,
    differs_by,
    is_sensitive,
    without_bars,
)
from flowdenoise.images import Picture

_MOST_FOR_WHITE = 4  # windows
_LEAST = 1 / 255  # a camera's noise of which less is left than a step of 8 bits is none
_MOSTLY_PERIODIC = 0.5  # of strong white noise: from there it may be none
_LIKELY, _MAINLY = -0.8, 0.6  # strength and share, which clean pictures do not reach together
_HALF = 0.5  # share of noise, from which maps hold if a clean picture is improbable enough:
_IMPOSSIBLE = 0.02  # its probability, below which any do
_STRONG, _IMPROBABLE = 5 / 255, 0.15  # likewise, below which strong ones do, from that level on
_FAR = 0.4  # of the level of maps: so little white noise tells less than they
_CERTAINLY = 0.005  # probability of a clean picture, below which maps of a thumbnail hold
_NEARLY = 0.9  # share, in gray and where texture is avoided
_SEEN, _LIKELY_CLEAN = -0.5, 0.3  # in gray: strength, clean probability
_UNEVEN, _UNEVEN_BESIDE_WHITE = 0.26, 0.15  # in gray; the second, if white noise was found, in
# color, too
_CONFIDENT, _MOSTLY = 0.65, 0.75  # in gray, of maps: to hold, and to tell texture
_OBVIOUS, _OBVIOUSLY_NOISY = 12 / 255, 0.06  # in gray: noise from which on nobody doubts, nor the
# estimator: its probability of a clean picture, at most
_REPEATED = 0.05  # in gray: of what is removed of letters and masks, so much repeats itself
_PARTLY = 0.4  # in gray: the share of noise that is weaker than the detail beside it
_BESIDE_TEXTURE = 0.22  # in gray, of maps that show texture: less white noise may be texture, too
_ENOUGH = 300**2  # pixels of a gray picture; smaller ones may hold nothing but one texture
_IN_PLACES, _HARDLY = 0.22, 0.7  # unevenness and share of such a texture, which is not alike
# everywhere
_WEAK = 20 / 255  # white noise beyond is never anything else
_REMOVED = {1: 0.3, 3: 0.35}  # of white noise is removed at least, by number of channels, even if
# it was compressed; usually 0.7

Quick: TypeAlias = Callable[[Estimate, int], TileDenoiser | None]
"""A function that gives a quick network for noise and a number of channels; None if none tells."""


def believed(
    picture: Picture,
    finding: Finding,
    quick: Quick,
    device: torch.device,
    soft: SoftTexture | None = None,
) -> Finding:
    """As much of a finding as what a denoiser removes speaks for.

    Args:
        picture: A picture, color or gray.
        finding: Its noise.
        quick: The function that gives the network to denoise windows with.
        device: The device that computes.
        soft: What tells the texture of soft pictures; None if nothing does.
    """
    look = _Look(picture, quick, device, soft)
    if finding.estimate.maps is not None:
        return look.at_maps(finding, finding.estimate.maps)
    doubted = _doubted(finding, picture.channels) or _beside_white(finding, picture.channels)
    return look.at_white(finding) if doubted is None else look.at_both(finding, doubted)


def _doubted(finding: Finding, channels: int) -> NoiseMaps | None:
    """The maps that the estimate speaks against, in color those of white noise, too."""
    seen = finding.seen
    of_white = seen is not None and seen.kind == "white" and not seen.is_grass
    if of_white and channels > 1 and finding.estimate.untouched:
        return seen
    return finding.doubted


def _beside_white(finding: Finding, channels: int) -> NoiseMaps | None:
    """The maps beside white noise that may tell more than it: in gray that it is texture alone."""
    white, seen = finding.estimate, finding.seen
    if white.verdict != "noisy" or seen is None:
        return None
    if channels == 1:
        return seen if seen.kind == "camera" and _may_be_texture(white, seen) else None
    return seen if _is_far_below(white, seen) and not seen.is_grass else None


def _is_far_below(white: Estimate, seen: NoiseMaps) -> bool:
    """Whether white noise is far weaker than what maps show, as in a dark photograph."""
    return white.verdict == "noisy" and white.sigma < _FAR * seen.sigma and seen.kind != "clean"


def _may_be_texture(white: Estimate, seen: NoiseMaps) -> bool:
    """Whether white noise of a gray picture is so weak that it is texture if the maps are."""
    return white.verdict == "noisy" and white.sigma < _BESIDE_TEXTURE * seen.sigma


@dataclass(frozen=True)
class _Look:
    """A look at what the quick network removes of a picture.

    Attributes:
        picture: The picture, color or gray.
        quick: The function that gives the network.
        device: The device that computes.
        soft: What tells the texture of soft pictures.
    """

    picture: Picture
    quick: Quick
    device: torch.device
    soft: SoftTexture | None

    def at_maps(self, finding: Finding, maps: NoiseMaps) -> Finding:
        """A finding of maps: a share of their levels, or what there is without them."""
        signs = self._signs(maps)
        other = None if is_sensitive(self.picture) else finding.otherwise
        if other is not None and self._is_texture(maps, signs):
            return self.at_white(other, maps, signs)
        if maps.is_surely_white:
            return finding
        channels = self.picture.channels
        told = finding.estimate.scaled(1.0 if signs is None else share_of_noise(signs, channels))
        if other is not None and self._is_more(other.estimate, told):
            return self.at_white(other, maps, signs)
        if told.sigma < _LEAST:
            told = Estimate(told.sigma, "clean")
        return replace(finding, estimate=told)

    def at_both(self, finding: Finding, seen: NoiseMaps) -> Finding:
        """A finding that speaks against maps, which may hold after all."""
        signs, channels = self._signs(seen), self.picture.channels
        may_hold = finding.doubted is not None or channels > 1
        if signs is not None and may_hold and self._shows_enough:
            hold = _hold_in_gray if channels == 1 else _hold_in_color
            share = share_of_noise(signs, channels)
            if hold(seen, finding.estimate, signs, share) and not self._is_soft_texture(seen):
                estimate = Estimate.of_camera(seen).scaled(share)
                beside = channels == 1 and signs.are_beside_detail
                return Finding(estimate, seen=seen, beside_detail=beside)
        return self.at_white(finding, seen, signs)

    def _is_texture(self, maps: NoiseMaps, signs: Signs | None) -> bool:
        """Whether maps show texture, which white noise that is sure only repeats."""
        if maps.is_surely_white:
            return signs is not None and signs.repeats
        if signs is None and self._is_thumbnail and maps.clean >= _CERTAINLY:
            return True
        if signs is not None and (
            signs.are_of_texture(maps.clean) or self._is_gray_texture(maps, signs)
        ):
            return True
        return self._is_soft_texture(maps)

    def _is_gray_texture(self, maps: NoiseMaps, signs: Signs) -> bool:
        """Whether it is texture that only a gray picture leaves in doubt: hay, or print."""
        if self.picture.channels > 1:
            return False
        hardly = share_of_noise(signs, 1) < _HARDLY
        one = not self._shows_enough and signs.unevenness > _IN_PLACES and hardly
        return one or _is_print(maps, signs)

    @property
    def _is_thumbnail(self) -> bool:
        """Whether no window fits into what it shows between bars."""
        return not windows(self.picture.part(*without_bars(self.picture.samples)), 1)

    def _is_soft_texture(self, maps: NoiseMaps) -> bool:
        return self.soft is not None and self.soft.was_taken(self.picture, maps)

    def at_white(
        self, finding: Finding, seen: NoiseMaps | None = None, signs: Signs | None = None
    ) -> Finding:
        """A finding of white noise, which is none if a denoiser removes too little of it.

        Args:
            finding: The finding.
            seen: The maps that do not hold, if any were looked at.
            signs: What is removed if they are believed.
        """
        estimate = finding.estimate
        if estimate.verdict != "noisy":
            return finding
        gray = self.picture.channels == 1
        detail = seen and signs and gray and _is_detail(estimate, seen, signs)
        if not detail and not self._stays(estimate):
            return finding
        return replace(finding, estimate=Estimate(estimate.sigma, "not white"))

    def _stays(self, white: Estimate) -> bool:
        """Whether white noise is hardly removed; what repeats itself does not count as removed."""
        network = self.quick(white, self.picture.channels)
        places = windows(self.picture, _MOST_FOR_WHITE)
        if network is None or not places:
            return False
        pixels = pixels_of(self.picture, places, self.device)
        removed = pixels - network(pixels, white.sigma)
        share, periodic = removed_share(pixels, removed, white.sigma), periodicity(removed)
        may_be_none = white.sigma <= _WEAK or periodic >= _MOSTLY_PERIODIC
        least = _REMOVED[self.picture.channels]
        return share is not None and may_be_none and share * math.sqrt(1 - periodic) < least

    def _is_more(self, white: Estimate, told: Estimate) -> bool:
        """Whether the channels differ by more white noise than is told of maps of texture."""
        if white.verdict != "noisy" or white.sigma <= told.sigma or self.picture.channels == 1:
            return False
        return differs_by(white, middle_of(self.picture))

    @property
    def _shows_enough(self) -> bool:
        """Whether it is in color, or so large that its texture is hardly alike everywhere."""
        return self.picture.channels > 1 or self.picture.height * self.picture.width >= _ENOUGH

    @cached_property
    def _phase(self) -> Phase:
        """Where the red of its mosaic is, for all of its trials."""
        return phase_of(self.picture)

    def _signs(self, maps: NoiseMaps) -> Signs | None:
        network = self.quick(Estimate.of_camera(maps), self.picture.channels)
        if network is None:
            return None
        return signs_of_noise(self.picture, maps, network, self.device, self._phase)


def _is_detail(white: Estimate, doubted: NoiseMaps, signs: Signs) -> bool:
    """Whether the weak white noise of a gray picture may be dense texture.

    The maps then find far more, and that is certainly texture, and all detail that there is.

    Args:
        white: The estimate of white noise.
        doubted: The maps, which are those of a camera's noise.
        signs: What is removed if the maps are believed.
    """
    sure = doubted.confidence >= _MOSTLY
    return sure and _may_be_texture(white, doubted) and signs.are_all_detail


def _is_print(maps: NoiseMaps, signs: Signs) -> bool:
    """Whether maps of a gray picture are those of large letters or of a mask, which are strong.

    Args:
        maps: The maps.
        signs: What is removed.
    """
    if maps.sigma < _OBVIOUS or signs.periodicity < _REPEATED:
        return False
    return maps.clean >= _OBVIOUSLY_NOISY or share_of_noise(signs, 1) < _HALF


def _hold_in_gray(doubted: NoiseMaps, other: Estimate, signs: Signs, share: float) -> bool:
    """Whether maps of a gray picture hold that another estimate spoke against.

    Without color, all signs together must be those of noise.

    Args:
        doubted: The maps.
        other: The other estimate.
        signs: What is removed.
        share: The share of their levels that is believed.
    """
    if _is_print(doubted, signs):
        return False
    uneven = _UNEVEN if other.untouched else _UNEVEN_BESIDE_WHITE
    if signs.are_of_texture(doubted.clean) or signs.unevenness > uneven:
        return False
    if doubted.clean >= _LIKELY_CLEAN or doubted.confidence < _CONFIDENT:
        return False
    least = _PARTLY if signs.are_beside_detail and other.untouched else _NEARLY
    return share >= least and signs.strength >= _SEEN


def _hold_in_color(doubted: NoiseMaps, other: Estimate, signs: Signs, share: float) -> bool:
    """Whether maps of a color picture hold that another estimate spoke against.

    Args:
        doubted: The maps.
        other: The other estimate.
        signs: What is removed.
        share: The share of their levels that is believed.
    """
    if signs.are_of_texture(doubted.clean):
        return False
    alike = other.untouched or signs.unevenness <= _UNEVEN_BESIDE_WHITE
    plain = signs.are_plain and alike
    likely = other.verdict == "clean" and signs.strength >= _LIKELY and share >= _MAINLY
    apart = other.untouched and signs.avoid_texture and share >= _NEARLY
    if doubted.kind == "camera" and (plain or likely or apart):
        return True
    if other.verdict == "noisy":
        return share >= _HALF and doubted.clean < _IMPOSSIBLE and signs.are_colored
    strong = doubted.sigma >= _STRONG and doubted.kind == "camera"
    return share >= _HALF and doubted.clean < (_IMPROBABLE if strong else _IMPOSSIBLE)
