"""What the brightness of a color picture alone tells of its noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from flowdenoise import noise
from flowdenoise.estimation import (
    Finding,
    NoiseMaps,
    has_white_noise_of_color,
    is_colorless,
    is_texture,
    may_be_colorless,
    may_be_texture,
)
from flowdenoise.estimation.brightness import level_of_color
from flowdenoise.estimation.estimate import Estimate, Verdict

from .test_estimate import CLEAN, SCALED, UNEQUAL, maps, white

HARDLY = maps(1, kind="clean", clean=0.6)
"""What an estimator of color pictures sees of such noise: little."""


def color(estimate: Estimate, seen: NoiseMaps | None = HARDLY) -> Finding:
    return Finding(estimate, seen=seen)


def of_camera(sigma: float, **signs: float | str) -> Finding:
    found = maps(sigma, **signs)  # type: ignore[arg-type]
    return Finding(Estimate.of_camera(found), seen=found)


def of_white(sigma: float, *, clean: float = 0.3, texture: float = 0) -> Finding:
    """White noise; the maps, which don't hold, saw a clean picture or much texture."""
    seen = maps(texture, clean=clean) if texture else maps(1, kind="clean", clean=clean)
    return Finding(white(sigma), seen=seen)


TINTED = of_camera(60, tint=0.2)  # its level is 36
SEEN = color(CLEAN, maps(9, clean=0.1))  # maps that do not hold


@pytest.mark.parametrize(
    ("found", "below", "from_there"),
    [
        (color(CLEAN), of_white(1.9), of_white(2.1)),
        (color(CLEAN), of_camera(2.9), of_camera(3.1)),
        (color(CLEAN), of_camera(20, clean=0.03), of_camera(20, clean=0.02)),  # it may be detail
        (SEEN, of_camera(9, clean=0.15, grain=1.7), of_camera(9, clean=0.13, grain=1.7)),
        (SEEN, of_camera(9, grain=1.9), of_camera(9, grain=1.7)),  # one texture, as it is small
        (color(CLEAN), of_white(9, clean=0.61), of_white(9, clean=0.59)),
        (color(CLEAN), of_camera(20, kind="white"), of_camera(20)),  # a part is noisy, or print
        (color(SCALED), of_white(4.9), of_white(5.1)),  # it may be grass
        (color(SCALED), of_camera(2.9), of_camera(3.1)),
        (color(white(10)), of_white(6.7), of_white(10)),  # two thirds of white noise
        (color(white(10)), of_camera(9), of_camera(10)),
        (TINTED, of_white(4.9), of_white(5.2)),
        (TINTED, of_camera(8.8), of_camera(9.2)),
        (color(CLEAN), of_white(4, texture=30), of_white(4, texture=20)),
    ],
)
def test_noise_is_of_brightness_alone_if_that_shows_it(
    found: Finding, below: Finding, from_there: Finding
) -> None:
    assert may_be_colorless(found)
    assert not is_colorless(found, below)
    assert is_colorless(found, from_there)


@pytest.mark.parametrize(
    "found",
    [
        color(UNEQUAL, maps(9, clean=0.29)),
        of_camera(20, tint=0.4),
        color(CLEAN, None),  # nothing was looked for, as in a picture of two values
    ],
)
def test_noise_that_color_has_is_not_of_brightness_alone(found: Finding) -> None:
    assert not may_be_colorless(found)
    assert not is_colorless(found, of_white(50))


def test_noise_of_brightness_beside_stronger_detail_may_be_a_clean_picture_s() -> None:
    brightness = of_camera(9, clean=0.15)
    assert not is_colorless(color(CLEAN), brightness)
    assert is_colorless(color(CLEAN), replace(brightness, beside_detail=True))
    faint = replace(of_camera(2.9, clean=0.15), beside_detail=True)
    assert not is_colorless(color(CLEAN), faint)


def large(sigma: float, share: float = 1, **signs: float | str) -> Finding:
    """Noise of a camera, of which a share is believed, in a picture of 304x304."""
    found = maps(sigma, **signs)  # type: ignore[arg-type]
    seen = replace(found, levels=found.levels[:, :1, :1].expand(4, 38, 38))
    seen = replace(seen, brightness=found.brightness[:1, :1].expand(38, 38))
    return Finding(Estimate.of_camera(seen).scaled(share), seen=seen)


def test_white_noise_of_brightness_that_compression_left_needs_more() -> None:
    kept, lossy = of_white(14.3), of_white(14.5)  # 0.4 of the level of the maps
    assert is_colorless(TINTED, kept)
    assert not is_colorless(TINTED, kept, lossless=False)
    assert is_colorless(TINTED, lossy, lossless=False)
    assert is_colorless(TINTED, of_camera(9.2), lossless=False)


NO_COLOR, SOME_COLOR = maps(9, clean=0.3), maps(9, clean=0.29)


@pytest.mark.parametrize("found", [color(UNEQUAL, NO_COLOR), color(white(18), NO_COLOR)])
def test_noise_of_brightness_that_is_surely_a_camera_s_needs_less(found: Finding) -> None:
    assert is_colorless(found, large(9.1, clean=0.05))
    assert not is_colorless(replace(found, seen=SOME_COLOR), large(9.1, clean=0.05))
    for unsure in ({"clean": 0.07}, {"confidence": 0.77}, {"kind": "white"}, {"share": 0.89}):
        assert not is_colorless(found, large(9.1, **{"clean": 0.05, **unsure}))
    small = of_camera(9.1, clean=0.05)
    assert not is_colorless(found, small)
    assert not is_colorless(found, large(0.49 * 255 * found.estimate.sigma, clean=0.05))
    tinted = replace(TINTED, seen=NO_COLOR)
    assert not is_colorless(tinted, large(8.8, clean=0.05))
    assert is_colorless(tinted, large(9.2, clean=0.05))


@pytest.mark.parametrize("verdict", ["clean", "not white", "constant"])
def test_what_is_not_known_of_brightness_is_no_noise(verdict: Verdict) -> None:
    assert not is_colorless(color(CLEAN), Finding(white(50, verdict), seen=HARDLY))
    assert not is_colorless(color(CLEAN), Finding(white(50)))


IN_VAIN = Finding(SCALED, seen=maps(12))
"""Brightness of which a denoiser removes too little, whatever the maps say."""


def test_a_camera_s_noise_that_brightness_has_not_is_texture_if_in_doubt() -> None:
    doubted, believed = of_camera(12, clean=0.05), of_camera(12, clean=0.03)
    assert may_be_texture(doubted)
    assert is_texture(doubted, IN_VAIN)
    assert not is_texture(believed, IN_VAIN)
    assert not is_texture(doubted, of_white(6))
    assert not is_texture(doubted, color(CLEAN))


def test_a_camera_s_noise_of_which_brightness_shows_little_is_texture_if_in_doubt() -> None:
    doubted, believed = of_camera(12, clean=0.05), of_camera(12, clean=0.03)
    left = replace(of_camera(6), estimate=Estimate.of_camera(maps(2)))
    assert is_texture(doubted, left)
    assert not is_texture(believed, left)
    assert not is_texture(doubted, of_camera(2))  # weak, but all of it is believed
    assert not is_texture(doubted, replace(left, estimate=Estimate.of_camera(maps(5))))
    assert not is_texture(of_camera(4, clean=0.05), left)  # as much is left as in color


def test_weak_noise_that_compression_may_have_changed_says_nothing_of_texture() -> None:
    doubted = of_camera(12, clean=0.05)
    for sigma, tried in ((0.4, True), (0.6, False), (1.4, False), (1.6, True)):
        brightness = Finding(white(sigma, "not white"), seen=maps(12))
        assert is_texture(doubted, brightness)
        assert is_texture(doubted, brightness, lossless=False) == tried


@pytest.mark.parametrize(
    "found",
    [color(white(9)), color(CLEAN), of_camera(9, kind="white", confidence=0.99, clean=0.5)],
)
def test_other_noise_is_not_taken_for_texture(found: Finding) -> None:
    assert not may_be_texture(found)
    assert not is_texture(found, IN_VAIN)


def grass(level: float = 0.2) -> Tensor:
    """Texture in brightness around gray, (1, 3, 200, 201); the upper half is constant."""
    texture = noise.add_gaussian(torch.zeros(1, 1, 200, 201), level, seed=3)
    texture[..., :100, :] = 0
    return 0.5 + texture.expand(1, 3, -1, -1)


def test_coarse_noise_of_brightness_counts_in_a_larger_picture() -> None:
    small = of_camera(9, grain=1.9)
    assert small.seen is not None
    larger = replace(small.seen, brightness=torch.full((40, 40), 0.5))
    assert not is_colorless(SEEN, small)
    assert is_colorless(SEEN, replace(small, seen=larger))


@pytest.mark.parametrize("sigma", [2 / 255, 10 / 255, 50 / 255])
def test_the_level_of_color_is_that_of_white_noise_whatever_the_texture(sigma: float) -> None:
    noisy = noise.add_gaussian(grass(), sigma, seed=0)
    noisy[..., :40, :] = 0  # a bar that is constant says nothing
    assert level_of_color(noisy) == pytest.approx(sigma, rel=0.05)


def test_noise_of_brightness_and_noise_of_one_channel_are_no_color() -> None:
    assert level_of_color(grass()) < 1e-6
    red = noise.add_gaussian(grass(), 0.1, seed=0)
    red[:, 1:] = grass()[:, 1:]
    assert level_of_color(red) < 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (3, 5)])
def test_pictures_of_any_size_have_a_level_of_color(shape: tuple[int, int]) -> None:
    picture = torch.rand(1, 3, *shape)
    assert 0 <= level_of_color(picture) < 10
    assert level_of_color(torch.full((1, 3, *shape), 0.5)) == 0


@pytest.mark.parametrize(
    ("found", "brightness", "sigma", "expected"),
    [
        (color(white(10)), of_camera(11), 10, True),
        (color(white(10)), of_camera(11), 7, False),
        (color(white(1)), of_camera(11), 1.2, False),  # too weak for what brightness has
        (color(white(1)), of_camera(2), 1.2, True),
        (color(white(3)), of_camera(11), 3, True),  # more than rounding or texture gives
        (color(CLEAN), of_camera(11), 20, False),  # the estimator saw no noise in color
        (TINTED, of_camera(11), 20, False),  # and here maps tell of it
    ],
)
def test_channels_that_differ_by_the_noise_that_was_found_have_noise_of_color(
    found: Finding, brightness: Finding, sigma: float, expected: bool
) -> None:
    noisy = noise.add_gaussian(grass(), sigma / 255, seed=0)
    assert has_white_noise_of_color(found, noisy, brightness) is expected
    if has_white_noise_of_color(found, noisy):  # then it has it whatever brightness tells
        assert expected
