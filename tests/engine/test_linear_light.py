"""Strong noise darkens a photograph behind its tone curve; the light that it lacks is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from flowdenoise.engine import Denoiser, RemovalConfig
from flowdenoise.engine.trial.linear_light import STRONG, LinearLight
from flowdenoise.images import Picture, quantize
from flowdenoise.noise import camera
from flowdenoise.noise.tone import tone, untone
from flowdenoise.system import random_streams

EXAMPLES = Path(__file__).parents[2] / "examples"
NO_CURVE = torch.zeros(1)
STRONG_SHOT, WEAK_SHOT = 1.6e-2, 1e-4


def shot(light: float, deviation: float, side: int = 256) -> Tensor:
    """An area of one light whose noise is normal, in sRGB of 8 bits, (1, 3, h, w)."""
    noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    return (255 * tone(light + deviation * noise, NO_CURVE)).round() / 255


def area(light: float, side: int = 256) -> Tensor:
    return tone(torch.full((1, 3, side, side), light), NO_CURVE)


def lacking(noisy: Tensor, denoised: Tensor) -> float:
    """What is added to the tones of an area, in levels of 255."""
    added = LinearLight.of(noisy, denoised).restore(denoised) - denoised
    return 255 * float(added.mean())


def as_light_as(noisy: Tensor) -> Tensor:
    """An area of the mean light that a file has."""
    return area(float(untone(noisy, NO_CURVE).mean()))


@given(st.floats(0.03, 0.4), st.floats(0.05, 0.5))
def test_half_of_what_a_dark_area_lacks_is_added(light: float, share: float) -> None:
    noisy = shot(light, share * light)
    darker = noisy.mean((2, 3), keepdim=True).expand_as(noisy)
    wanted = 255 * float((as_light_as(noisy) - darker).mean())
    assert wanted > 0
    assert lacking(noisy, darker) == pytest.approx(wanted / 2, abs=0.15 + 0.08 * wanted)


@given(st.floats(0.03, 0.3), st.floats(0.05, 1.0))
def test_where_nothing_is_lacking_nothing_is_added(light: float, share: float) -> None:
    """Also where a sixth of the noise is cut off at black, which stays in the mean."""
    noisy = shot(light, share * light)
    assert abs(lacking(noisy, as_light_as(noisy))) < 1.5


def test_near_white_all_that_is_lacking_is_added() -> None:
    """Where a sixth of the noise is cut off at white."""
    noisy = shot(0.8, 0.2)
    darker = noisy.mean((2, 3), keepdim=True).expand_as(noisy)
    wanted = 255 * float((area(0.8) - darker).mean())
    assert lacking(noisy, darker) == pytest.approx(wanted, abs=0.6)


def test_what_is_cut_off_by_half_at_white_is_white() -> None:
    noisy = shot(1.0, 0.3)
    assert float((noisy >= 1).float().mean()) == pytest.approx(0.5, abs=0.02)
    darker = noisy.mean((2, 3), keepdim=True).expand_as(noisy)
    wanted = 255 * float((1 - darker).mean())
    assert wanted > 10
    assert lacking(noisy, darker) == pytest.approx(wanted, abs=1)


def test_where_much_is_cut_off_at_black_nothing_is_concluded() -> None:
    noisy = shot(0.02, 0.08)  # two fifths are black
    assert float((noisy <= 0).float().mean()) > 0.35
    assert lacking(noisy, noisy.mean((2, 3), keepdim=True).expand_as(noisy)) == 0


def test_of_the_darkest_tones_nothing_is_concluded() -> None:
    noisy = shot(0.003, 0.003)
    assert lacking(noisy, area(0.002)) == 0


def test_tones_keep_their_order() -> None:
    noisy = torch.cat([shot(light, 0.6 * light, 64) for light in np.linspace(0.02, 0.6, 12)], 3)
    means = [part.mean((2, 3), keepdim=True).expand_as(part) for part in torch.split(noisy, 64, 3)]
    light = LinearLight.of(noisy, torch.cat(means, 3))
    ramp = torch.linspace(0, 1, 1000).expand(1, 3, 1, -1)
    assert (light.restore(ramp).diff(dim=3) > 0).all()


def test_brightness_and_color_are_restored_apart() -> None:
    noisy = shot(0.2, 0.1)
    noisy[:, 1] = area(0.3)[:, 1]
    denoised = noisy.mean((2, 3), keepdim=True).expand_as(noisy)
    light = LinearLight.of(noisy, denoised)
    whole, gray, color = (
        light.restore(denoised, *shares) - denoised for shares in ((1, 1), (1, 0), (0, 1))
    )
    assert torch.allclose(gray + color, whole, atol=1e-6)
    assert torch.allclose(gray, whole.mean(1, keepdim=True).expand_as(gray), atol=1e-6)
    assert float(gray.mean()) > 0


def wall(gain: float, shots: int) -> Tensor:
    """Shots by a phone of a dark purple wall, which is rare, (shots, 3, h, w)."""
    config = replace(camera.CAMERAS["phone"], shot=(gain, gain), contrast=(0, 0), smoothed=0)
    purple = torch.tensor([84.0, 58, 68])[None, :, None, None].expand(-1, -1, 192, 192) / 255
    sky = torch.tensor([120.0, 150, 174])[None, :, None, None].expand(-1, -1, 64, 192) / 255
    clean, key = torch.cat([purple, sky], 2), torch.tensor([3])
    keys = random_streams.fold(torch.arange(shots), 1)
    made = [camera.simulate(clean, key, config, noise_keys=k[None]).picture for k in keys]
    return torch.cat(made)


def photograph(gain: float) -> Picture:
    return Picture(quantize(wall(gain, 1)[0], np.uint8))


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", effort="fast")


def test_a_photograph_with_strong_noise_is_less_dark_than_without_it(denoiser: Denoiser) -> None:
    """As light as many shots of it are in the mean, which is the truth of real photographs."""
    light = untone(wall(STRONG_SHOT, 16), NO_CURVE).mean(0, keepdim=True)
    truth = tone(light, NO_CURVE)[0]
    examined = denoiser.examine(photograph(STRONG_SHOT))
    (plane,) = examined.planes
    assert plane.light is not None
    blind = replace(examined, planes=(replace(plane, light=None),))
    result, dark = (denoiser.remove(e, RemovalConfig()).tensor()[0] for e in (examined, blind))
    assert (dark - truth).mean() < -0.9 / 255
    assert (result - truth).mean().abs() < 0.75 * (dark - truth).mean().abs()


def test_beside_the_noise_no_light_is_added(denoiser: Denoiser) -> None:
    """Half of the picture is a gray wall without noise."""
    noisy = photograph(STRONG_SHOT).samples
    beside = np.hstack([noisy, np.full_like(noisy, 90)])
    beside[::2, 200:] += 4  # not constant, which nothing changes anyway
    examined = denoiser.examine(Picture(beside), noise="camera")
    (plane,) = examined.planes
    assert plane.light is not None
    result = denoiser.remove(examined, RemovalConfig()).samples.astype(int)
    assert np.abs(result[:, 240:] - beside[:, 240:]).max() <= 1
    dark = replace(examined, planes=(replace(plane, light=None),))
    without = denoiser.remove(dark, RemovalConfig()).samples.astype(int)
    assert (result - without)[:, :160].mean() > 0.3


def test_a_part_lacks_what_the_whole_lacks(denoiser: Denoiser) -> None:
    examined = denoiser.examine(photograph(STRONG_SHOT))
    part = examined.part(slice(64, 128), slice(0, 64))
    assert part.planes[0].light is examined.planes[0].light is not None


def test_weak_noise_changes_no_brightness(denoiser: Denoiser) -> None:
    (plane,) = denoiser.examine(photograph(WEAK_SHOT), noise="camera").planes
    assert plane.estimate.sigma < STRONG
    assert plane.light is None


def test_light_and_tone_are_inverse_for_what_is_compared() -> None:
    tones = torch.linspace(0, 1, 256).reshape(1, 1, 1, -1)
    assert torch.allclose(tone(untone(tones, NO_CURVE), NO_CURVE), tones, atol=1e-5)
