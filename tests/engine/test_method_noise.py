"""What was removed from a photograph tells noise from texture."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from flowdenoise import images, metrics, noise, weights
from flowdenoise.engine import Denoiser, TileDenoiser
from flowdenoise.engine.estimate import Estimate
from flowdenoise.engine.method_noise import (
    Signs,
    believed,
    removed_share,
    share_of_noise,
    signs_of_noise,
)
from flowdenoise.engine.noise_maps import NoiseMaps, noise_maps
from flowdenoise.images import Picture
from flowdenoise.networks import Noise, NoiseMapNet, ResNet, ResNetConfig
from flowdenoise.noise import camera

EXAMPLES = Path(__file__).parents[2] / "examples"
CPU = torch.device("cpu")
LEVEL = 8 / 255


@cache
def quick() -> TileDenoiser:
    return TileDenoiser.of(weights.load("photo-fast").network, CPU, torch.float32)


def maps_of(picture: Picture, level: float = LEVEL) -> NoiseMaps:
    """Maps that say of every place that it has noise of that level, coarse in color."""
    cells = (-(-picture.height // 8), -(-picture.width // 8))
    levels = level * torch.tensor([0.6, 1.0, 0.4, 0.9])[:, None, None].expand(-1, *cells)
    return NoiseMaps(levels.contiguous(), torch.full(cells, 0.5), "camera", 1.0)


def example(name: str, reduced: int = 1) -> Picture:
    pixels = images.read_uint8(EXAMPLES / name, 3)
    return Picture(
        np.ascontiguousarray(pixels[: 256 * reduced : reduced, : 256 * reduced : reduced])
    )


def taken(clean: Picture) -> Picture:
    """The picture as a reflex camera takes it at a high ISO."""
    config = replace(camera.CAMERAS["reflex"], shot=(2e-3, 3e-3))
    photo = camera.simulate(clean.tensor(), torch.tensor([7]), config).picture[0]
    return Picture(images.quantize(photo, np.uint8))


def share(picture: Picture, maps: NoiseMaps) -> float:
    signs = signs_of_noise(picture, maps, quick(), CPU)
    assert signs is not None
    return share_of_noise(signs)


@pytest.mark.parametrize("reduced", [1, 2])
def test_noise_is_believed_and_texture_is_not(reduced: int) -> None:
    clean = example("coffee.png", reduced)
    photo = taken(clean)
    estimator = weights.load("noise-map-color").network
    assert isinstance(estimator, NoiseMapNet)
    assert share(photo, noise_maps(photo, estimator, CPU)) > 0.9
    assert share(clean, maps_of(clean)) < 0.3


def test_the_share_depends_on_each_sign_in_its_direction() -> None:
    usual = Signs(strength=-0.5, grain=0.5, color=0.6, place=0.0)
    middle = share_of_noise(usual)
    assert 0 < middle < 1
    assert share_of_noise(replace(usual, strength=0.5)) > middle
    assert share_of_noise(replace(usual, color=0.8)) > middle
    assert share_of_noise(replace(usual, place=0.4)) < middle
    assert share_of_noise(replace(usual, grain=1.0)) < middle


class Watched(ResNet):
    """A network that removes nothing and keeps the windows that it saw."""

    def __init__(self) -> None:
        super().__init__(ResNetConfig(channels=(4,), blocks=(1,), maps=2))
        self.seen: list[Tensor] = []

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        self.seen.append(noisy)
        return noisy


@pytest.mark.parametrize(
    ("height", "width"), [(32, 32), (65, 1031), (256, 256), (700, 901), (2000, 3000)]
)
def test_a_few_windows_are_looked_at_that_are_parts_of_the_picture(
    height: int, width: int
) -> None:
    rng = np.random.default_rng(0)
    picture = Picture(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    network = Watched()
    signs_of_noise(picture, maps_of(picture), TileDenoiser.of(network, CPU, torch.float32), CPU)
    (windows,) = network.seen
    assert len(windows) <= 8
    assert windows.shape[2] * windows.shape[3] <= 300**2
    whole, cells = picture.tensor()[0], range(0, max(height, width), 8)
    for window in windows:
        places = [
            (top, left)
            for top in cells
            for left in cells
            if torch.equal(whole[:, top : top + 8, left : left + 8], window[:, :8, :8])
        ]
        ((top, left),) = places
        part = whole[:, top : top + window.shape[1], left : left + window.shape[2]]
        assert torch.equal(window, part)


def test_a_picture_without_a_whole_window_shows_no_signs() -> None:
    picture = Picture(np.zeros((31, 400, 3), np.uint8))
    assert signs_of_noise(picture, maps_of(picture), quick(), CPU) is None


class Mistaken(NoiseMapNet):
    """An estimator that is sure of a camera's noise in every picture."""

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def forward(self, picture: Tensor) -> Noise:
        cells = (len(picture), -1, picture.shape[2] // 8, picture.shape[3] // 8)
        levels = LEVEL * torch.tensor([0.5, 1.2, 0.4, 1.0])[None, :, None, None]
        return Noise(levels.expand(cells), torch.tensor([[0.0, 0, 9]] * len(picture)))


def engine() -> Denoiser:
    def source(name: str) -> nn.Module:
        return weights.load(name).network

    return Denoiser(
        {3: lambda: source("color")},
        {3: lambda: source("noise-level-color"), 1: lambda: source("noise-level-gray")},
        device=CPU,
        camera=Mistaken,
        photos={"fine": lambda: source("photo-fast"), "coarse": lambda: source("photo-fast")},
    )


def test_a_picture_taken_for_noisy_stays_nearly_as_it_is() -> None:
    denoiser, picture = engine(), example("coffee.png")
    (found,) = denoiser.examine(picture).findings
    assert found.estimate.verdict == "camera"
    assert found.estimate.maps is not None
    assert found.estimate.sigma == pytest.approx(found.estimate.maps.sigma, rel=1e-5)
    assert found.estimate.sigma < 0.3 * 1.1 * LEVEL
    cleaned = denoiser.denoise_picture(picture).picture
    told = denoiser.denoise_picture(picture, noise="camera").picture
    quality = [metrics.psnr(each.tensor()[0], picture.tensor()[0]) for each in (told, cleaned)]
    assert quality[1] > quality[0] + 5


def test_what_the_user_says_is_not_looked_at_again() -> None:
    (found,) = engine().examine(example("coffee.png"), noise="camera").findings
    assert found.estimate.sigma == pytest.approx(1.1 * LEVEL, rel=0.05)


@cache
def color() -> TileDenoiser:
    return TileDenoiser.of(weights.load("color-fast").network, CPU, torch.float32)


def compressed(picture: Picture) -> Picture:
    stream = io.BytesIO()
    images.write(picture, stream, format="JPEG", quality=75)
    stream.seek(0)
    return images.read(stream)


def in_white_noise(clean: Picture, sigma: float) -> Picture:
    noisy = noise.add_gaussian(clean.tensor()[0], sigma, seed=0)
    return Picture(images.quantize(noisy, np.uint8))


@pytest.mark.parametrize("sigma", [5 / 255, 9 / 255])
def test_most_of_white_noise_is_removed_and_little_of_a_clean_picture(sigma: float) -> None:
    clean = compressed(example("coffee.png", 2))
    in_noise = removed_share(in_white_noise(clean, sigma), sigma, color(), CPU)
    in_clean = removed_share(clean, sigma, color(), CPU)
    assert in_noise is not None
    assert in_clean is not None
    assert in_clean < 0.5 < 0.6 < in_noise < 1.1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_bars_of_one_color_do_not_count_as_noise_that_stays(share: float) -> None:
    noisy = in_white_noise(example("coffee.png"), 5 / 255)
    samples = noisy.samples.copy()
    samples[: int(share * len(samples))] = 128
    found = removed_share(Picture(samples), 5 / 255, color(), CPU)
    assert found is not None
    assert found > 0.6


def test_a_picture_of_one_color_tells_nothing() -> None:
    picture = Picture(np.full((64, 64, 3), 90, np.uint8))
    assert removed_share(picture, 0.02, color(), CPU) is None
    assert removed_share(Picture(np.zeros((16, 64, 3), np.uint8)), 0.02, color(), CPU) is None


def test_white_noise_that_is_hardly_removed_is_not_white() -> None:
    found = Estimate(9 / 255, "noisy")
    clean = compressed(example("coffee.png", 2))
    told = believed(found, clean, color(), CPU)
    assert (told.verdict, told.untouched) == ("not white", True)
    assert believed(found, in_white_noise(clean, 9 / 255), color(), CPU) == found
    strong = Estimate(12 / 255, "noisy")  # no compression does that
    assert believed(strong, clean, color(), CPU) == strong
