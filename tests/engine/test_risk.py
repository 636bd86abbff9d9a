"""The risk, estimated locally: a denoiser may be as bad as it likes, the result is never worse."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from PIL import Image, ImageDraw
from torch import Tensor

from flowdenoise import Denoiser
from flowdenoise.engine import TileDenoiser
from flowdenoise.engine.risk import WEAK, is_weak, with_least_risk, with_probe
from flowdenoise.engine.tiles import tiling
from flowdenoise.engine.tiles.discrepancy import RADIUS, keep_structure
from flowdenoise.engine.tiles.tiling import TilingConfig
from flowdenoise.images import Picture
from flowdenoise.networks.resnet import ResNet, ResNetConfig

HEIGHT, WIDTH = 96, 128


def lines() -> np.ndarray:
    """Red lines of 1 to 3 pixels on black."""
    samples = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for row, line in enumerate((1, 2, 3)):
        for x in range(6, WIDTH - 4, 11):
            samples[row * HEIGHT // 3 : (row + 1) * HEIGHT // 3, x : x + line, 0] = 255
    return samples


def text() -> np.ndarray:
    sheet = Image.new("RGB", (WIDTH, HEIGHT), (250, 240, 220))
    draw = ImageDraw.Draw(sheet)
    for row in range(8):
        draw.text((3, 12 * row), "the quick brown fox jumps", fill=(20 * row, 30, 160 - 20 * row))
    return np.array(sheet)


def chart() -> np.ndarray:
    """Flat areas and stripes of two pixels, of all hues."""
    random = np.random.default_rng(0)
    samples = random.integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    samples[8::16, :, 1] = 255
    samples[:, ::4] //= 2
    return samples


DRAWINGS: dict[str, Callable[[], np.ndarray]] = {"lines": lines, "text": text, "chart": chart}


def blur(noisy: Tensor) -> Tensor:
    return F.avg_pool2d(noisy, 5, 1, 2, count_include_pad=False)


def flatten(noisy: Tensor) -> Tensor:
    return noisy.mean((2, 3), keepdim=True).expand_as(noisy)


def sharpen(noisy: Tensor) -> Tensor:
    return 2 * noisy - blur(noisy)


def moderate(noisy: Tensor) -> Tensor:
    """All weak structure goes, and of strong structure a little."""
    return noisy - (noisy - blur(noisy)).clamp(-0.03, 0.03)


DENOISERS = (blur, flatten, sharpen, moderate)


def tensor(samples: np.ndarray, channels: int) -> Tensor:
    return Picture(samples).tensor()[:, :channels]


def weigh(denoise: Callable[[Tensor], Tensor], noisy: Tensor, sigma: float) -> Tensor:
    return with_least_risk(denoise, with_probe(noisy, 0), (sigma,))


@pytest.mark.parametrize("denoise", DENOISERS)
@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("sigma_255", [1, 3, 9])
@pytest.mark.parametrize("stored", ["floats", "8 bits"])
def test_no_denoiser_makes_it_worse(
    denoise: Callable[[Tensor], Tensor], drawing: str, channels: int, sigma_255: int, stored: str
) -> None:
    clean, sigma = tensor(DRAWINGS[drawing](), channels), sigma_255 / 255
    noisy = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    if stored == "8 bits":
        noisy = noisy.mul(255).round().clamp(0, 255) / 255
    before, after = (
        (image - clean).square().mean() for image in (noisy, weigh(denoise, noisy, sigma))
    )
    assert float(after / before) < 1.01


def test_structure_as_strong_as_noise_stays_where_a_bound_on_the_energy_lets_it_go() -> None:
    sigma = 3 / 255
    pattern = 0.9 * sigma * (torch.arange(WIDTH) % 2 * 2 - 1).expand(1, 1, HEIGHT, WIDTH)
    clean = 0.5 + pattern
    noisy = clean + sigma * torch.randn(clean.shape)
    bound = keep_structure(noisy, noisy - pattern, sigma)
    assert float((bound - noisy).square().mean()) > 0.9 * float(pattern.square().mean())
    kept = weigh(lambda image: image - pattern, noisy, sigma)
    assert float((kept - noisy).square().mean()) < 0.01 * float(pattern.square().mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_removed(channels: int) -> None:
    noise = 0.02 * torch.randn(1, channels, 256, 256)
    clean = torch.full_like(noise, 0.5)
    left = weigh(torch.zeros_like, clean + noise - 0.5, 0.02)
    assert float(left.square().mean() / noise.square().mean()) < 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sign_belongs_to_its_place(channels: int) -> None:
    image = torch.rand(1, channels, 64, 64)
    image[..., :8], image[..., -8:] = 0, 1
    whole = with_probe(image, 0)
    assert torch.equal(with_probe(image[:, :, 10:30, :50], 10), whole[:, :, 10:30, :50])
    signs = whole[:, channels:]
    assert torch.equal(whole[:, :channels], image)
    assert (signs[..., :8] == 0).all()
    assert (signs[..., -8:] == 0).all()
    inner = signs[..., 8:-8]
    assert torch.equal(inner.abs(), torch.ones_like(inner))
    assert abs(float(inner.mean())) < 0.1
    for lags in ((0, 1), (1, 0), (1, 1), (1, -1)):
        assert abs(float((inner * inner.roll(lags, (2, 3))).mean())) < 0.15
    if channels > 1:
        assert abs(float((inner * inner.roll(1, 1)).mean())) < 0.1


@given(sigma=st.floats(0, 1))
def test_only_weak_noise_is_weak(sigma: float) -> None:
    assert is_weak(sigma) == (0 < sigma < WEAK)


@pytest.fixture(scope="module")
def network() -> TileDenoiser:
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,)))
    return TileDenoiser.of(net, torch.device("cpu"), torch.float32)


def test_tiles_give_what_the_whole_image_gives(network: TileDenoiser) -> None:
    clean = tensor(chart(), 3)
    rows = with_probe(clean + WEAK / 2 * torch.randn(clean.shape), 0)
    overlap = network.config.receptive_radius + RADIUS

    def run(tile: int) -> Tensor:
        def denoise(tiles: Tensor) -> Tensor:
            return with_least_risk(lambda pixels: network(pixels, WEAK / 2), tiles, (WEAK / 2,))

        config = TilingConfig(tile, overlap, 4)
        return tiling.apply(rows, denoise, config, multiple=network.config.stride)

    assert torch.allclose(run(64), run(0), atol=2e-5)
    assert torch.equal(run(64), run(64))


def test_gradients_are_those_of_a_small_step() -> None:
    noisy = torch.randn(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    signs = torch.where(torch.rand(1, 3, 8, 8) < 0.5, -1.0, 1.0).double()

    def denoise(image: Tensor) -> Tensor:
        rows = torch.cat([image, signs], 1)
        return with_least_risk(lambda pixels: 0.7 * torch.sin(pixels), rows, (0.5,))

    assert torch.autograd.gradcheck(denoise, (noisy,))


@pytest.mark.parametrize("channels", [1, 3])
def test_told_no_noise_the_image_comes_back_bit_for_bit(channels: int) -> None:
    denoiser = Denoiser.load(device="cpu")
    image = torch.randn(1, channels, 40, 33)
    assert torch.equal(denoiser(image, 0.0), image)
    assert not torch.equal(denoiser(image, 0.01), image)


def test_weak_noise_is_removed_in_full_precision() -> None:
    noisy = tensor(text(), 3) + 0.004 * torch.randn(1, 3, HEIGHT, WIDTH)
    precise, rough = (
        Denoiser.load("color", device="cpu", precision=precision)(noisy, 0.004)
        for precision in ("float32", "bfloat16")
    )
    assert torch.equal(precise, rough)


@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("level", ["told", "auto"])
def test_what_is_shipped_makes_no_drawing_worse(drawing: str, channels: int, level: str) -> None:
    denoiser = Denoiser.load(device="cpu")
    clean = DRAWINGS[drawing]()[..., :1].repeat(3, 2) if channels == 1 else DRAWINGS[drawing]()
    for sigma in (1, 2, 3, 5):
        noise = sigma * np.random.default_rng(0).normal(size=(HEIGHT, WIDTH, channels))
        noisy = np.rint((clean + noise).clip(0, 255)).astype(np.uint8)
        told = sigma / 255 if level == "told" else "auto"
        result = denoiser.denoise_picture(Picture(noisy), told).picture.samples
        before, after = (
            np.square(samples - clean.astype(float)).mean() for samples in (noisy, result)
        )
        assert after < 1.01 * before, sigma
