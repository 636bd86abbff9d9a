"""What the brightness of a color picture, looked at as a gray one, tells of its noise.

A camera that smooths color leaves noise of brightness, and so has the grain of film. An estimator
of color pictures expects noise of color beside it, and calls such a picture clean or finds much
too little; or it takes the noise for that of a camera that does not smooth color, and finds far
too much. Where it takes dense texture for noise, brightness tells that, too: a denoiser finds
nothing there that it could remove.

All numbers were chosen on `bsds500-val32`, the photographs of docs/heldout.csv and Nam25, and on
clean crops of what the networks learned from.
"""

from __future__ import annotations

from torch import Tensor

from flowdenoise.estimation.estimate import FAINT, WEAKEST, WEAKEST_LOSSY, Estimate
from flowdenoise.estimation.estimators import Finding
from flowdenoise.estimation.noise_evidence import CELL
from flowdenoise.estimation.noise_maps import NoiseMaps

_COLOR = 0.3  # of the level of brightness: cameras that do not smooth color leave 0.4 or more
_OF_WHITE = 0.95  # of the level in color at least; of white noise, brightness has two thirds
_OF_MAPS, _OF_MAPS_IF_WHITE = 0.25, 0.14  # likewise of maps, which find such noise too strong
_OF_MAPS_IF_LOSSY = 0.4  # likewise, for white noise where compression may have left it
_SEEN, _SEEN_BESIDE_GRASS = 2 / 255, 5 / 255  # the weakest white noise that is not detail
_BESIDE_TEXTURE = 0.17  # of the level of maps that do not hold: less white noise is texture
_SURE, _SURELY_NOISY, _ALL = 0.78, 0.06, 0.9  # of maps of brightness: confidence, probability of
# a clean picture, and the share that is believed of a camera's noise that there surely is
_COLOR_CLEAN = 0.3  # the probability of a clean picture, in color, from where color has no noise
_OF_SURE = 0.5  # of the level in color, for such noise; compression has made that wrong
_OF_FOUND, _OF_BRIGHTNESS = 0.8, 0.5  # of the levels found, from where differences of channels
# have white noise: they have its level if it is one of color, and hardly any if of brightness
_IN_COLOR = 1.5 / 255  # or this level, which neither rounding nor texture gives
_ENOUGH = 300**2 // CELL**2  # cells; smaller pictures may hold nothing but one texture
_COARSE = 1.8  # the grain of texture that such pictures hold
_CLEAN_IF_WHITE = 0.6  # the probability that the brightness is clean, at most
_BOTH_CLEAN = 0.014  # the product of this and of that for all of the picture, at most
_HARDLY, _OF_DOUBTED = 0.5, 0.35  # of the level seen in brightness, and of that in color, less is
# believed of texture
_DOUBTED = 0.04  # the probability of a clean picture from which brightness may speak against maps


def may_be_colorless(color: Finding) -> bool:
    """Whether it is worth while to look at the brightness of a color picture alone.

    Args:
        color: What was found out about the noise of the picture.
    """
    maps = color.estimate.maps
    if maps is not None:
        return maps.level("color") < _COLOR * maps.level("brightness")
    seen = color.seen
    return seen is not None and (not color.estimate.channels or seen.clean >= _COLOR_CLEAN)


def may_be_texture(color: Finding) -> bool:
    """Whether the noise of a camera that was found may be texture, so that brightness must tell.

    Args:
        color: What was found out about the noise of the picture.
    """
    maps = color.estimate.maps
    return maps is not None and not maps.is_surely_white and maps.clean >= _DOUBTED


def is_texture(color: Finding, brightness: Finding, *, lossless: bool = True) -> bool:
    """Whether it is texture: of brightness alone a denoiser removes no noise, or hardly any.

    Args:
        color: What was found out about the noise of the picture.
        brightness: What was found out about the noise of its brightness.
        lossless: Whether no compression changed the pixels. Where one did, noise that is weaker
            than what it may have done was not tried, and says nothing.
    """
    if not may_be_texture(color):
        return False
    found = brightness.estimate
    untried = not lossless and WEAKEST <= found.sigma < WEAKEST_LOSSY
    in_vain = found.verdict == "not white" and not untried
    return in_vain or _is_hardly_believed(color, brightness)


def is_colorless(color: Finding, brightness: Finding, *, lossless: bool = True) -> bool:
    """Whether the noise of a color picture is one of brightness alone.

    Args:
        color: What was found out about the noise of the picture.
        brightness: What was found out about the noise of its brightness.
        lossless: Whether no compression changed the pixels.
    """
    if brightness.estimate.untouched or not may_be_colorless(color):
        return False
    if color.seen is None or brightness.seen is None:
        return False
    if color.seen.clean >= _COLOR_CLEAN and _is_surely_of_a_camera(brightness):
        share = _OF_SURE if color.estimate.maps is None else _OF_MAPS
        return brightness.estimate.sigma >= max(FAINT, share * color.estimate.sigma)
    if color.estimate.channels:
        return False
    clean = brightness.seen.clean
    if brightness.estimate.maps is None:
        trusted = clean <= _CLEAN_IF_WHITE
    else:
        both = brightness.seen.kind == "camera" and clean * color.seen.clean <= _BOTH_CLEAN
        may_be_noise = not _may_be_one_texture(color, brightness.seen)
        trusted = may_be_noise and (brightness.beside_detail or both)
    return trusted and brightness.estimate.sigma >= _least(color.estimate, brightness, lossless)


def has_white_noise_of_color(
    color: Finding, picture: Tensor, brightness: Finding | None = None
) -> bool:
    """Whether the channels differ by the white noise that was found, which is not colorless then.

    Args:
        color: What was found out about the noise of the picture.
        picture: The picture or its middle, (1, 3, H, W), [0, 1].
        brightness: What was found out about the noise of its brightness; None asks whether they
            differ by so much that brightness is of no account.
    """
    found = color.estimate
    if found.untouched or found.maps is not None:
        return False
    least = _IN_COLOR
    if brightness is not None:
        least = min(least, _OF_BRIGHTNESS * brightness.estimate.sigma)
    return differs_by(found, picture, least)


def differs_by(white: Estimate, picture: Tensor, least: float = 0) -> bool:
    """Whether the channels of a picture differ by as much white noise as was found.

    Args:
        white: The white noise that was found.
        picture: The picture or its middle, (1, 3, H, W), [0, 1].
        least: How much it must be at least, [0, 1] scale.
    """
    return level_of_color(picture) >= max(_OF_FOUND * white.sigma, least)


def level_of_color(picture: Tensor) -> float:
    """The level that white noise must have to explain how channels differ in the finest detail.

    The median of diagonal details (Donoho and Johnstone, 1994), of red less green and of blue less
    green, of which the lower counts: what is drawn in one color is no noise. Details of color are
    rare in photographs, so that texture hardly adds to it. Blocks that are constant tell nothing.

    Args:
        picture: The picture, (1, 3, H, W), [0, 1].

    Returns:
        The level, [0, 1] scale; 0 for a picture without a pixel that tells.
    """
    height, width = (side // 2 * 2 for side in picture.shape[-2:])
    upper, lower = (picture[0, :, row:height:2, :width] for row in (0, 1))
    falling, rising = upper[..., ::2] + lower[..., 1::2], upper[..., 1::2] + lower[..., ::2]
    detail = (falling - rising) / 2
    telling = detail[:, (detail != 0).any(0)]
    if not telling.numel():
        return 0.0
    apart = (telling[::2] - telling[1]).abs().median(1).values
    return float(apart.min()) / (0.6745 * 2**0.5)


def _is_hardly_believed(color: Finding, brightness: Finding) -> bool:
    """Whether little is left of the noise of brightness, by itself and beside that in color."""
    found, seen, maps = brightness.estimate, brightness.seen, color.estimate.maps
    if found.maps is None or seen is None or maps is None:
        return False
    beside = min(_HARDLY * seen.sigma, _OF_DOUBTED * maps.level("brightness"))
    return found.sigma < beside


def _may_be_one_texture(color: Finding, brightness: NoiseMaps) -> bool:
    """Whether brightness is coarse in a small picture, of which a denoiser found none in color."""
    small, coarse = brightness.brightness.numel() < _ENOUGH, brightness.grain >= _COARSE
    disbelieved = color.doubted is not None and color.estimate.verdict == "clean"
    return small and coarse and disbelieved


def _is_surely_of_a_camera(brightness: Finding) -> bool:
    """Whether the noise of a picture's brightness is surely that of a camera, and all of it."""
    seen, maps = brightness.seen, brightness.estimate.maps
    if seen is None or maps is None or seen.kind != "camera" or seen.brightness.numel() < _ENOUGH:
        return False
    sure = seen.confidence >= _SURE and seen.clean <= _SURELY_NOISY
    return sure and maps.sigma >= _ALL * seen.sigma


def _least(color: Estimate, brightness: Finding, lossless: bool) -> float:
    """The least level of noise of brightness that counts."""
    of_camera, least = brightness.estimate.maps is not None, 0.0
    if not color.untouched:
        of_maps = _OF_MAPS_IF_WHITE if lossless else _OF_MAPS_IF_LOSSY
        of_maps = _OF_MAPS if of_camera else of_maps
        least = color.sigma * (_OF_WHITE if color.maps is None else of_maps)
    if of_camera:
        return max(least, FAINT)
    if brightness.doubted is not None:
        least = max(least, _BESIDE_TEXTURE * brightness.doubted.sigma)
    return max(least, _SEEN_BESIDE_GRASS if color.verdict == "not white" else _SEEN)
