"""Which of two estimates of a picture's noise holds: white noise, or that of a camera."""

from __future__ import annotations

import pytest
import torch

from flowdenoise.estimation.estimate import Estimate, Verdict, camera_or_white, together
from flowdenoise.estimation.noise_maps import NoiseMaps


def maps(
    sigma: float = 20,
    *,
    grain: float = 2.0,
    kind: str = "camera",
    sure: bool = False,
    confidence: float = 0.8,
    tint: float = 1.0,
    clean: float = 0.02,
) -> NoiseMaps:
    """Maps of one level, sigma in 0 to 255, everywhere; color has a share of it, its tint."""
    color = tint * sigma
    levels = torch.tensor([sigma / grain, sigma, color / grain, color]) / 255
    brightness = torch.full((8, 8), 0.5)
    return NoiseMaps(
        levels[:, None, None].expand(4, 8, 8),
        brightness,
        kind,
        0.95 if sure else confidence,
        clean,
    )


def white(sigma: float, verdict: Verdict = "noisy") -> Estimate:
    return Estimate(sigma / 255, verdict)


CLEAN = white(0, "clean")
SCALED = white(0, "not white")
UNEQUAL = Estimate(8 / 255, "noisy", (12 / 255, 5 / 255, 3 / 255))


@pytest.mark.parametrize(
    ("estimate", "against", "held"),
    [
        (CLEAN, maps(kind="clean"), maps()),
        (CLEAN, maps(2.5), maps(3.5)),
        (white(1), maps(10), maps(15)),  # weak noise is seen, so there is none that is strong
        (white(1), maps(10), maps(10, sure=True)),
        (white(10), maps(kind="white"), maps()),
        (white(90, "beyond"), maps(100, grain=1.1), maps(150, grain=1.1)),  # the levels agree
        (white(90, "beyond"), maps(100, grain=1.1), maps(100, grain=1.1, sure=True)),
        (UNEQUAL, maps(40, grain=1.1), maps(40, grain=1.1, sure=True)),
        (white(6), maps(30, grain=1.4), maps(40, grain=1.4)),  # white noise was taken for it
        (white(6), maps(20, grain=1.4), maps(20, grain=1.8)),
        (white(6), maps(20, grain=1.4), maps(20, grain=1.4, sure=True)),
        (white(5), maps(13, grain=1.3, confidence=0.93), maps(16, grain=1.3, confidence=0.93)),
        (CLEAN, maps(9, grain=1.4), maps(11, grain=1.4)),  # it may be detail
        (CLEAN, maps(9, grain=1.4), maps(9, grain=1.8)),
        (CLEAN, maps(4, grain=1.4, sure=True), maps(6, grain=1.4, sure=True)),
        (white(2), maps(7, grain=1.4, sure=True), maps(9, grain=1.4, sure=True)),
        (white(12), maps(11, grain=1.4, sure=True), maps(13, grain=1.4, sure=True)),
        (white(2), maps(40, tint=0.3), maps(40, tint=0.5)),  # it may be grass
        (SCALED, maps(32, tint=0.3, sure=True), maps(25, tint=0.3)),
        (SCALED, maps(7, grain=1.4, kind="white"), maps(9, grain=1.4, kind="white")),
    ],
)
def test_maps_of_a_color_picture_hold_unless_a_reason_speaks_against_them(
    estimate: Estimate, against: NoiseMaps, held: NoiseMaps
) -> None:
    assert camera_or_white(estimate, against, 3) is estimate
    found = camera_or_white(estimate, held, 3)
    assert (found.verdict, found.sigma, found.maps) == ("camera", held.sigma, held)


def test_a_level_that_compression_may_have_made_yields_to_likely_maps() -> None:
    weak = white(1, "clean")
    assert camera_or_white(weak, maps(10), 3).verdict == "camera"
    assert camera_or_white(weak, maps(10, confidence=0.4), 3) is weak
    assert camera_or_white(white(1), maps(10), 3).verdict == "noisy"


@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_that_is_not_everywhere_has_maps(channels: int) -> None:
    sure = maps(20, grain=1.1, kind="white", confidence=0.99, clean=0.005)
    unsure = maps(20, grain=1.1, kind="white", confidence=0.95, clean=0.005)
    assert camera_or_white(white(1.4), sure, channels).maps is sure
    assert camera_or_white(CLEAN, sure, channels).maps is sure
    assert camera_or_white(white(1.4), unsure, channels).maps is None
    assert camera_or_white(white(12), sure, channels).maps is None


def test_what_may_be_grass_or_grain_of_film_is_not_called_clean() -> None:
    told = camera_or_white(CLEAN, maps(40, tint=0.3), 3)
    assert (told.verdict, told.maps, told.untouched) == ("not white", None, True)
    assert camera_or_white(CLEAN, maps(2), 3) is CLEAN


@pytest.mark.parametrize(
    ("estimate", "against", "held"),
    [
        (CLEAN, maps(2.5), maps(3.5)),
        (CLEAN, maps(clean=0.5), maps(clean=0.4)),
        (CLEAN, maps(20, grain=1.3, clean=0.2), maps(4, grain=1.3, clean=0.05)),
        (white(10), maps(kind="white"), maps()),
        (white(6), maps(15, grain=1.4), maps(25, grain=1.4, clean=0.01)),  # white noise is seen
        (white(6), maps(25, grain=1.4, clean=0.03), maps(35, grain=1.4, clean=0.03)),
        (white(6), maps(15, grain=1.4), maps(15, grain=1.8)),
    ],
)
def test_maps_of_a_gray_picture_hold_unless_a_reason_speaks_against_them(
    estimate: Estimate, against: NoiseMaps, held: NoiseMaps
) -> None:
    assert camera_or_white(estimate, against, 1) is estimate
    assert camera_or_white(estimate, held, 1).maps is held


def test_the_noise_of_planes_is_that_of_the_worst_and_their_mean_square() -> None:
    assert together([]) == Estimate(0.0, "constant")
    assert together([UNEQUAL]) is UNEQUAL
    both = together([white(3), white(4, "clean")])
    assert (both.verdict, 255 * both.sigma) == ("noisy", pytest.approx(12.5**0.5))
