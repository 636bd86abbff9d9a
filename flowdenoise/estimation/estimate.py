"""What is known of a picture's noise, and whether it is white or that of a camera.

Two estimates compete for a picture: the level of white noise, and maps of noise of any kind. The
maps hold unless there is a reason against them. Each reason is a function of both estimates, and
two tables list the reasons, for color and for gray pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from flowdenoise.estimation.noise_maps import NoiseMaps

Verdict = Literal["noisy", "camera", "clean", "constant", "specks", "not white", "beyond"]

VERDICTS: dict[Verdict, str] = {
    "noisy": "it has noise",
    "camera": "it has the noise of a camera",
    "clean": "found clean",
    "constant": "constant, so nothing tells of noise",
    "specks": "single pixels are wholly black or white, which are not removed",
    "not white": "what noise it has is not white, it was scaled, smoothed or compressed, and its "
    "level is not known",
    "beyond": "at least as noisy as can be told",
}
"""The verdicts that an estimate can give on a picture, each in words."""

WEAKEST = 0.5 / 255
"""The level of the weakest noise that can be told from none, on the [0, 1] scale."""

WEAKEST_LOSSY = 1.5 / 255
"""Weaker noise in a JPEG file can't be told from what its compression did."""

# Levels of the [0, 1] scale, below which maps say little.
FAINT = 3 / 255  # noise of a camera that is hardly seen, and whose level is found too high
_DETAIL = 5 / 255  # noise of a fine grain that may be detail, if the maps are sure
_DETAIL_IF_DOUBTED = 10 / 255  # likewise, if they are not
_DETAIL_BESIDE_NOISE = 8 / 255  # and if white noise was found, or the maps are not a camera's
_WEAK_WHITE, _STRONG = 1.5 / 255, 12 / 255  # such white noise is not seen where noise is strong

_SURE = 0.92  # the probability of their kind from which maps are sure
_SURE_IF_WEAK, _WEAK = 0.95, 15 / 255  # likewise of weaker noise, where white noise was found
_LIKELY = 0.5  # the probability from which maps beat white noise that compression may have made
_ALIKE = 0.25  # the logarithm of the ratio of two levels that agree
_WHITE_GRAIN, _NEARLY_WHITE_GRAIN = 1.25, 1.6  # most cameras leave a coarser grain
_IN_PLACES = 0.3  # of the level of the maps: less white noise is not everywhere in the picture
_IN_SOME_PLACES = 0.6  # likewise, if some places surely have noise and others none
_SEEN = 0.18  # of the level of the maps: white noise above it is what they took for a camera's
_SEEN_IF_NOISY, _NOISY = 0.3, 0.02  # likewise, if so improbable is a clean gray picture
_CLEAN, _CLEAN_IF_COARSE = 0.06, 0.46  # the probability that a gray picture is clean, at most


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

    @classmethod
    def of_camera(cls, maps: NoiseMaps) -> Estimate:
        """The estimate that noise is that of a camera."""
        return cls(maps.sigma, "camera", maps=maps)

    @property
    def levels(self) -> tuple[float, ...]:
        """The level of all channels, or that of each where they differ."""
        return self.channels or (self.sigma,)

    @property
    def untouched(self) -> bool:
        """Whether the picture stays as it is: there is no noise, or none that is known."""
        return self.verdict in ("clean", "constant", "specks", "not white")

    def scaled(self, share: float) -> Estimate:
        """The estimate of a camera's noise with a share of its levels."""
        maps = None if self.maps is None else self.maps.scaled(share)
        return replace(self, sigma=share * self.sigma, maps=maps)


def together(estimates: list[Estimate]) -> Estimate:
    """Combine the estimates of a picture's planes; a picture without planes is constant."""
    if not estimates:
        return Estimate(0.0, "constant")
    if len(estimates) == 1:
        return estimates[0]
    order = ("constant", "clean", "specks", "not white", "noisy", "beyond", "camera")
    worst = max((estimate.verdict for estimate in estimates), key=order.index)
    sigma = math.sqrt(sum(estimate.sigma**2 for estimate in estimates) / len(estimates))
    return Estimate(sigma, worst)


def camera_or_white(white: Estimate, maps: NoiseMaps, channels: int) -> Estimate:
    """Decide whether noise is white or that of a camera.

    Args:
        white: The estimate that assumes white noise.
        maps: The maps of noise of any kind.
        channels: The number of channels of the picture, 1 or 3.

    Returns:
        `white` if a reason speaks against the maps, else the estimate that has them. What may be
        grass or the grain of film is not called clean.
    """
    reasons = _AGAINST_MAPS_OF_GRAY if channels == 1 else _AGAINST_MAPS_OF_COLOR
    if any(holds(white, maps) for holds in reasons):
        doubted = white.verdict == "clean" and maps.kind == "camera" and maps.is_grass
        return replace(white, verdict="not white") if doubted else white
    return Estimate.of_camera(maps)


def _maps_show_little(white: Estimate, maps: NoiseMaps) -> bool:
    return maps.kind == "clean" or maps.sigma < FAINT


def _white_is_weak_and_maps_are_not_strong(white: Estimate, maps: NoiseMaps) -> bool:
    """Whether weak white noise is all that there is.

    A level that compression may have made, below that of a clean picture, counts as white noise
    only if the maps are not likely, either.
    """
    counts = white.verdict == "noisy" or maps.confidence < _LIKELY
    if not counts or maps.sigma >= _STRONG or _is_sure(maps):
        return False
    return white.verdict != "not white" and WEAKEST <= white.sigma < _WEAK_WHITE


def _maps_say_white(white: Estimate, maps: NoiseMaps) -> bool:
    """Whether the noise is white, and of one level everywhere.

    Where a noisy picture was put on a clean one, no single level tells, and the maps do.
    """
    most = _IN_SOME_PLACES if maps.in_places else _IN_PLACES
    in_places = maps.is_surely_white and white.sigma < most * maps.sigma
    return maps.kind == "white" and white.verdict != "not white" and not in_places


def _both_agree(white: Estimate, maps: NoiseMaps) -> bool:
    """Whether the maps, which are not sure, show what white noise of the estimate would show."""
    if white.untouched or _is_sure(maps) or maps.grain >= _WHITE_GRAIN:
        return False
    ratio = max(white.sigma, WEAKEST) / maps.level("brightness")
    return bool(white.channels) or abs(math.log(ratio)) < _ALIKE


def _white_is_seen(white: Estimate, maps: NoiseMaps, least: float = _SEEN) -> bool:
    """Whether the maps, which are not sure, took white noise for that of a camera.

    The level of white noise is then above the least share of theirs.
    """
    sure = maps.confidence >= (_SURE_IF_WEAK if maps.sigma < _WEAK else _SURE)
    if maps.grain >= _NEARLY_WHITE_GRAIN or sure:
        return False
    return white.verdict == "noisy" and white.sigma > least * maps.sigma


def _maps_may_show_detail(white: Estimate, maps: NoiseMaps) -> bool:
    """Whether the grain is as fine as that of detail, and its level no higher."""
    if maps.grain >= _NEARLY_WHITE_GRAIN or maps.in_places:
        return False
    if white.untouched and maps.kind == "camera":
        return maps.sigma < (_DETAIL if _is_sure(maps) else _DETAIL_IF_DOUBTED)
    return maps.sigma < max(_DETAIL_BESIDE_NOISE, white.sigma)


def _white_is_seen_in_gray(white: Estimate, maps: NoiseMaps) -> bool:
    return _white_is_seen(white, maps, _SEEN_IF_NOISY if maps.clean < _NOISY else _SEEN)


def _gray_may_be_clean(white: Estimate, maps: NoiseMaps) -> bool:
    """Whether a gray picture may be clean; what has a fine grain is more often detail."""
    fine = maps.grain < _NEARLY_WHITE_GRAIN
    return maps.clean > (_CLEAN if fine else _CLEAN_IF_COARSE)


def _maps_show_grass(white: Estimate, maps: NoiseMaps) -> bool:
    return maps.is_grass


def _is_sure(maps: NoiseMaps) -> bool:
    return maps.confidence >= _SURE


_AGAINST_MAPS_OF_COLOR = (
    _maps_show_little,
    _white_is_weak_and_maps_are_not_strong,
    _maps_say_white,
    _both_agree,
    _white_is_seen,
    _maps_may_show_detail,
    _maps_show_grass,
)
_AGAINST_MAPS_OF_GRAY = (
    _maps_show_little,
    _gray_may_be_clean,
    _maps_say_white,
    _both_agree,
    _white_is_seen_in_gray,
)
