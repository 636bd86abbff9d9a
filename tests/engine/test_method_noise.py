"""What was removed from a photograph tells noise from texture."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from flowdenoise import images, noise, weights
from flowdenoise.engine import TileDenoiser
from flowdenoise.engine.trial.method_noise import (
    Signs,
    removed_share,
    share_of_noise,
    signs_of_noise,
)
from flowdenoise.estimation.noise_maps import NoiseMaps, noise_maps
from flowdenoise.images import Picture
from flowdenoise.networks import NoiseMapNet, ResNet, ResNetConfig
from flowdenoise.noise import camera

from ..cameras import by_daylight

EXAMPLES = Path(__file__).parents[2] / "examples"
CPU = torch.device("cpu")
LEVEL = 8 / 255


@cache
def quick() -> TileDenoiser:
    return TileDenoiser.of(weights.load("photo-trial").network, CPU, torch.float32)


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


def taken(clean: Picture, name: camera.Camera = "reflex") -> Picture:
    """The picture as a camera takes it at a high ISO."""
    config = replace(by_daylight(name), shot=(2e-3, 3e-3))
    photo = camera.simulate(clean.tensor(), torch.tensor([7]), config).picture[0]
    return Picture(images.quantize(photo, np.uint8))


def share(picture: Picture, maps: NoiseMaps) -> float:
    signs = signs_of_noise(picture, maps, quick(), CPU)
    assert signs is not None
    return share_of_noise(signs, picture.channels)


@pytest.mark.parametrize("reduced", [1, 2])
def test_noise_is_believed_and_texture_is_not(reduced: int) -> None:
    clean = example("coffee.png", reduced)
    photo = taken(clean)
    assert share(photo, maps_found(photo)) > 0.9
    assert share(clean, maps_of(clean)) < 0.3


def test_the_share_depends_on_each_sign_in_its_direction() -> None:
    usual = Signs(-0.5, grain=0.5, color=0.6, place=0.0, direction=0.01, unevenness=0.1)
    middle = share_of_noise(usual, 3)
    assert 0 < middle < 1
    assert share_of_noise(replace(usual, strength=0.5), 3) > middle
    assert share_of_noise(replace(usual, color=0.8), 3) > middle
    assert share_of_noise(replace(usual, place=0.4), 3) < middle
    assert share_of_noise(replace(usual, grain=1.0), 3) < middle


def gray_stripes(rng: np.random.Generator) -> Picture:
    """Fine stripes that differ from place to place, (256, 256, 1)."""
    waves = 0.4 * np.arange(256) ** 1.2 + rng.normal(0, 0.3, (256, 1))
    return Picture((128 + 9 * np.sin(waves)).round().astype(np.uint8)[..., None])


def gray_noise(rng: np.random.Generator) -> Picture:
    """Noise whose neighbors are alike, (256, 256, 1)."""
    white = rng.normal(0, 20, (258, 258))
    coarse = sum(white[i : i + 256, j : j + 256] for i in range(3) for j in range(3)) / 9
    return Picture((128 + coarse).round().astype(np.uint8)[..., None])


def in_places(rng: np.random.Generator) -> Picture:
    """Like noise whose neighbors are alike, but only here and there, (256, 256, 1)."""
    places = np.kron(np.exp(rng.uniform(-3, 0.7, (8, 8))), np.ones((32, 32)))[..., None]
    return Picture((128 + places * (gray_noise(rng).samples - 128.0)).round().astype(np.uint8))


def in_color(picture: Picture) -> Picture:
    return Picture(picture.samples.repeat(3, 2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("make", "sign"),
    [(gray_stripes, "direction"), (in_places, "unevenness"), (gray_noise, "")],
)
def test_noise_has_no_direction_and_is_everywhere_alike(
    make: Callable[[np.random.Generator], Picture], sign: str, channels: int
) -> None:
    picture = make(np.random.default_rng(3))
    picture = in_color(picture) if channels == 3 else picture
    maps = maps_of(picture)
    signs = signs_of_noise(picture, maps, quick(), CPU)
    assert signs is not None
    usual = gray_noise(np.random.default_rng(4))
    of_noise = signs_of_noise(in_color(usual) if channels == 3 else usual, maps, quick(), CPU)
    assert of_noise is not None
    for clean in (0.0, 0.3):
        assert not of_noise.are_of_texture(clean)
        assert signs.are_of_texture(clean) == bool(sign)
        if sign:
            assert replace(of_noise, **{sign: getattr(signs, sign)}).are_of_texture(clean)


def test_noise_that_is_cut_off_at_both_ends_is_not_uneven() -> None:
    """Where it is cut off there is less of it, which says nothing of texture."""
    random = np.random.default_rng(5)
    wide = (gray_noise(random).samples - 128.0) * 20
    base = np.repeat([-230.0, 128.0, 485.0], [86, 84, 86])[None, :, None]
    picture = in_color(Picture((base + wide).clip(0, 255).round().astype(np.uint8)))
    signs = signs_of_noise(picture, maps_of(picture, 80 / 255), quick(), CPU)
    assert signs is not None
    assert not signs.are_of_texture(0.0)


def test_a_little_unevenness_tells_where_the_estimator_doubts() -> None:
    signs = Signs(-0.5, grain=0.5, color=0.6, place=0.0, direction=0.01, unevenness=0.3)
    assert not signs.are_of_texture(0.05)
    assert signs.are_of_texture(0.3)
    avoiding = replace(signs, place=-0.5)  # less is removed of texture, so it is less even
    assert not avoiding.are_of_texture(0.3)
    assert replace(avoiding, unevenness=0.41).are_of_texture(0.3)
    assert replace(avoiding, color=0.2).are_of_texture(0.3)


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


def white_share(picture: Picture, sigma: float) -> float | None:
    pixels = picture.tensor()
    return removed_share(pixels, pixels - color()(pixels, sigma), sigma)


@pytest.mark.parametrize("sigma", [5 / 255, 9 / 255])
def test_most_of_white_noise_is_removed_and_little_of_a_clean_picture(sigma: float) -> None:
    clean = compressed(example("coffee.png", 2))
    in_noise = white_share(in_white_noise(clean, sigma), sigma)
    in_clean = white_share(clean, sigma)
    assert in_noise is not None
    assert in_clean is not None
    assert in_clean < 0.5 < 0.6 < in_noise < 1.1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_bars_of_one_color_do_not_count_as_noise_that_stays(share: float) -> None:
    noisy = in_white_noise(example("coffee.png"), 5 / 255)
    samples = noisy.samples.copy()
    samples[: int(share * len(samples))] = 128
    found = white_share(Picture(samples), 5 / 255)
    assert found is not None
    assert found > 0.6


def maps_found(picture: Picture) -> NoiseMaps:
    estimator = weights.load("noise-map-color").network
    assert isinstance(estimator, NoiseMapNet)
    return noise_maps(picture, estimator, CPU)


@pytest.mark.parametrize(
    "change", [{"strength": 0.1}, {"direction": 0.1}, {"unevenness": 0.25}], ids=str
)
def test_noise_beside_detail_is_weaker_even_and_without_direction(
    change: dict[str, float],
) -> None:
    signs = Signs(-0.4, grain=0.3, color=0.0, place=0.1, direction=0.03, unevenness=0.19)
    assert signs.are_beside_detail
    assert not replace(signs, **change).are_beside_detail
