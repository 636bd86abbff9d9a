"""Photographs: maps of their noise, and what the engine does with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from flowdenoise.engine import Denoiser, RemovalConfig
from flowdenoise.engine.noise_maps import NoiseMaps, noise_maps
from flowdenoise.errors import UsageError
from flowdenoise.images import Picture
from flowdenoise.networks import Noise, NoiseMapNet
from flowdenoise.noise import camera
from flowdenoise.system import random_streams


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", offline=True)


def smooth(height: int = 256, width: int = 320) -> torch.Tensor:
    """A clean picture of soft colors, (1, 3, H, W)."""
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 4, width), indexing="ij")
    waves = [0.5 + 0.3 * torch.sin(a * x + b * y) for a, b in ((1, 2), (2, 1), (1.5, -1))]
    return torch.stack(waves)[None]


def photograph(clean: torch.Tensor, shot: float, kind: camera.Camera = "reflex") -> Picture:
    key = random_streams.fold(torch.tensor([7]), 3)
    made = camera.simulate(clean, key, camera.CAMERAS[kind], torch.tensor([shot])).picture
    return Picture((made[0].permute(1, 2, 0) * 255).round().byte().numpy())


@pytest.mark.parametrize("kind", ["reflex", "phone"])
def test_a_photograph_comes_out_cleaner(denoiser: Denoiser, kind: camera.Camera) -> None:
    clean, noisy = smooth(), photograph(smooth(), 2e-3, kind)
    still = photograph(clean, 1e-9, kind).tensor()
    result = denoiser.denoise_picture(noisy)
    assert result.estimate is not None
    assert result.estimate.verdict == "camera"
    before, after = (
        (picture.tensor() - still).square().mean() for picture in (noisy, result.picture)
    )
    assert after < 0.35 * before


def test_stronger_noise_has_higher_maps(denoiser: Denoiser) -> None:
    weak, strong = (denoiser.estimate(photograph(smooth(), shot)) for shot in (1e-3, 1e-2))
    assert weak.maps is not None
    assert strong.maps is not None
    assert strong.sigma > 1.5 * weak.sigma


def test_white_noise_is_taken_for_white(denoiser: Denoiser) -> None:
    rng = np.random.default_rng(0)
    clean = smooth()[0].permute(1, 2, 0).numpy() * 255
    noisy = (clean + rng.normal(0, 15, clean.shape)).clip(0, 255).round().astype(np.uint8)
    estimate = denoiser.estimate(Picture(noisy))
    assert estimate.verdict == "noisy"
    assert 255 * estimate.sigma == pytest.approx(15, rel=0.1)


def test_color_and_brightness_are_weighed_apart(denoiser: Denoiser) -> None:
    noisy = photograph(smooth(), 3e-3)
    grain = denoiser.denoise_picture(noisy, noise="camera", luma=0.0).picture
    removed = (noisy.tensor() - grain.tensor()).mean(1)
    whole = noisy.tensor() - denoiser.denoise_picture(noisy, noise="camera").picture.tensor()
    assert removed.square().mean() < 0.1 * whole.mean(1).square().mean()
    assert denoiser.denoise_picture(noisy, noise="camera", strength=0.0).untouched


def test_a_level_and_a_camera_exclude_each_other(denoiser: Denoiser) -> None:
    with pytest.raises(UsageError, match="no single level"):
        denoiser.denoise_picture(photograph(smooth(64, 64), 1e-3), 0.1, noise="camera")


class Known(NoiseMapNet):
    """An estimator that tells the brightness of each cell as its level."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def forward(self, picture: torch.Tensor) -> Noise:
        cells = torch.nn.functional.avg_pool2d(picture.mean(1, keepdim=True), 8)
        return Noise(cells.expand(-1, 4, -1, -1), torch.tensor([[0.0, 0, 9]] * len(picture)))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (33, 500), (300, 171), (129, 128)])
def test_maps_cover_a_picture_of_any_size(height: int, width: int) -> None:
    ramp = np.linspace(40, 200, width)[None, :, None] + np.arange(height)[:, None, None] % 2
    picture = Picture(np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8))
    maps = noise_maps(picture, Known(), torch.device("cpu"))
    assert maps.levels.shape[1:] == (-(-height // 8), -(-width // 8))
    rows = torch.cat(
        [maps.rows(top, min(top + 50, height), width) for top in range(0, height, 50)], 2
    )
    assert rows.shape == (1, 2, height, width)
    assert torch.allclose(rows, maps.rows(0, height, width), atol=1e-6)
    assert maps.kind == "camera"


def test_what_maps_say_in_numbers() -> None:
    levels = torch.tensor([0.02, 0.06, 0.01, 0.04])[:, None, None].expand(4, 10, 10)
    maps = NoiseMaps(levels, torch.full((10, 10), 0.3), "camera", 0.9)
    assert maps.sigma == pytest.approx(0.05)
    assert maps.grain == pytest.approx(3.0)
    ((brightness, luma, color),) = maps.by_brightness()
    assert (luma, color) == pytest.approx((0.02, 0.01))
    assert abs(brightness - 0.3) < 1 / 12


def test_a_part_of_a_photograph_is_denoised_by_the_maps_of_the_whole(denoiser: Denoiser) -> None:
    noisy = photograph(smooth(), 2e-3)
    expected = denoiser.denoise_picture(noisy).picture.samples
    rows, columns = slice(37, 131), slice(90, 320)
    examined = denoiser.examine(noisy)
    part = denoiser.remove_part(examined, RemovalConfig(), rows, columns).samples
    difference = np.abs(part.astype(int) - expected[rows, columns])
    assert difference.mean() < 0.1  # of 255: a network looks farther than its context, faintly
