"""Photographs in the hands of a network that is told two maps of their noise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor, nn

from flowdenoise.engine import Denoiser, TileDenoiser, TilingConfig
from flowdenoise.engine.choices import Grain
from flowdenoise.errors import UsageError
from flowdenoise.images import Picture
from flowdenoise.networks import Noise, NoiseMapNet, ResNet, ResNetConfig
from flowdenoise.weights import manifest, save_weights

ROOT = Path(__file__).parents[2]

BRIGHTNESS, COLOR = 0.04, 0.05  # too weak to darken a picture


class Known(NoiseMapNet):
    """An estimator that says of every picture that a camera took it, at one level everywhere."""

    def __init__(self, grain: float = 1.0) -> None:
        nn.Module.__init__(self)
        self.grain = grain

    def forward(self, picture: Tensor) -> Noise:
        fine = BRIGHTNESS / self.grain
        levels = torch.tensor([fine, BRIGHTNESS, COLOR, COLOR])[None, :, None, None]
        cells = (len(picture), -1, picture.shape[2] // 8, picture.shape[3] // 8)
        return Noise(levels.expand(cells), torch.tensor([[0.0, 0, 9]] * len(picture)))


class Watched(ResNet):
    """A network that removes a tenth, and keeps what it was told."""

    def __init__(self, maps: int) -> None:
        super().__init__(ResNetConfig(channels=(4,), blocks=(1,), maps=maps))
        self.told: list[Tensor | float] = []
        self.widths: list[int] = []

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        self.told.append(sigma)
        self.widths.append(noisy.shape[3])
        return 0.9 * noisy


def engine(network: nn.Module, photo: nn.Module | None = None, grain: float = 1.0) -> Denoiser:
    photos: dict[Grain, Callable[[], nn.Module]] = {} if photo is None else {"fine": lambda: photo}
    sources = {3: lambda: network}
    cpu = torch.device("cpu")
    return Denoiser(sources, {}, device=cpu, camera={3: lambda: Known(grain)}, photos=photos)


@pytest.fixture
def picture() -> Picture:
    pixels = np.random.default_rng(0).integers(20, 230, (64, 72, 3), dtype=np.uint8)
    return Picture(pixels)


def test_a_photograph_goes_to_its_own_network_and_white_noise_does_not(picture: Picture) -> None:
    color, photo = Watched(1), Watched(2)
    denoiser = engine(color, photo)
    denoiser.denoise_picture(picture, noise="camera")
    assert (color.widths, photo.widths) == ([18], [72])  # a quarter, for what is left
    denoiser.denoise_picture(picture, 0.1)
    assert (color.widths, photo.widths) == ([18, 72], [72])


def test_noise_that_a_camera_smoothed_goes_to_the_network_for_all(picture: Picture) -> None:
    color, photo = Watched(1), Watched(2)
    engine(color, photo, grain=2.0).denoise_picture(picture, noise="camera")
    assert (color.widths, photo.widths) == ([72, 18], [])


def test_a_network_of_two_maps_is_told_both(picture: Picture) -> None:
    photo = Watched(2)
    engine(photo).denoise_picture(picture, noise="camera")
    (maps,) = photo.told
    assert isinstance(maps, Tensor)
    expected = torch.tensor([BRIGHTNESS, COLOR])[:, None, None]
    assert torch.allclose(maps, expected.expand_as(maps[0]), atol=1e-5)


def test_a_network_of_white_noise_is_told_more_than_the_mean(picture: Picture) -> None:
    color = Watched(1)
    engine(color).denoise_picture(picture, noise="camera")
    (level,) = color.told
    assert isinstance(level, Tensor)
    assert torch.allclose(level, torch.tensor(1.3 * (BRIGHTNESS + COLOR) / 2), atol=1e-5)


@pytest.mark.parametrize(("strength", "told"), [(0.5, 1.0), (2.0, 2.0)])
def test_only_a_strength_above_one_tells_of_more_noise(
    picture: Picture, strength: float, told: float
) -> None:
    photo = Watched(2)
    engine(photo).denoise_picture(picture, noise="camera", strength=strength)
    (maps,) = photo.told
    assert isinstance(maps, Tensor)
    assert maps.amax((0, 2, 3)).tolist() == pytest.approx([told * BRIGHTNESS, told * COLOR])


@given(luma=st.floats(0, 2), chroma=st.floats(0, 2), more=st.floats(0, 0.01))
def test_a_little_more_luma_or_chroma_changes_little(
    luma: float, chroma: float, more: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    tiles = torch.rand(1, 3, 16, 16, generator=generator)
    watched = Watched(2)
    network = TileDenoiser(watched, TilingConfig(), watched)

    def removed(luma: float, chroma: float) -> Tensor:
        return tiles - network.told(tiles, torch.full((1, 2, 16, 16), 0.1), luma, chroma)

    whole = float(removed(2.0, 2.0).abs().max())
    for other in ((luma + more, chroma), (luma, chroma + more), (luma, luma)):
        change = (removed(*other) - removed(luma, chroma)).abs().max()
        far = abs(other[0] - luma) + abs(other[1] - chroma)
        assert float(change) <= 3 * far * whole + 1e-6
    assert torch.equal(removed(0.0, 0.0), torch.zeros_like(tiles))


def test_brightness_and_color_are_removed_apart(picture: Picture) -> None:
    denoiser = engine(Watched(2))

    def removed(**share: float) -> Tensor:
        result = denoiser.denoise_picture(picture, noise="camera", **share).picture
        return (picture.tensor() - result.tensor())[0]

    whole, step = removed(), 0.5 / 255 + 1e-6  # of rounding
    assert whole.mean(0).abs().max() > 4 * step
    no_luma, no_chroma = removed(luma=0.0), removed(chroma=0.0)
    assert no_luma.mean(0).abs().max() <= step
    assert (no_chroma - no_chroma.mean(0)).abs().max() <= 2 * step
    assert (no_luma + no_chroma - whole).abs().max() <= 3 * step


def test_turned_eight_ways_the_maps_turn_with_the_picture(picture: Picture) -> None:
    torch.manual_seed(0)
    net = ResNet(ResNetConfig(channels=(4,), blocks=(1,), maps=2))
    tensor = picture.tensor()
    ramp = torch.linspace(0, 0.2, tensor.shape[-1]).expand(1, 2, *tensor.shape[-2:])
    tiles = TileDenoiser.of(net, torch.device("cpu"), torch.float32, thorough=True)
    straight = tiles.told(tensor, ramp, 1.0, 1.0)
    turned = tiles.told(tensor.flip(-1), ramp.flip(-1), 1.0, 1.0, phase=(0, 1)).flip(-1)
    assert torch.allclose(straight, turned, atol=1e-5)


def test_a_gray_photograph_is_seen_in_three_equal_channels() -> None:
    torch.manual_seed(1)
    net = ResNet(ResNetConfig(channels=(8,), blocks=(1,), maps=2)).eval()
    tiles = TileDenoiser.of(net, torch.device("cpu"), torch.float32)
    gray, level = torch.rand(2, 1, 32, 48), 0.1 * torch.rand(2, 1, 32, 48)
    made = tiles.told(gray, level.expand(-1, 2, -1, -1), 1.0, 1.0)
    assert made.shape == gray.shape
    assert not torch.allclose(made, gray, atol=1e-3)
    shown = torch.cat([2.2 * level, 1.7 * level], 1)
    color = tiles.told(gray.expand(-1, 3, -1, -1), shown, 1.0, 1.0)
    assert torch.allclose(made, color.mean(1, keepdim=True), atol=1e-6)


def shipped_with(folder: Path, *names: str) -> Path:
    """A folder of weights: small denoisers, of which `photo` does nothing, and the estimators."""
    for name in names:
        channels, maps = 1 if "gray" in name else 3, 2 if "photo" in name else 1
        net = ResNet(ResNetConfig(channels, channels=(4,), blocks=(1,), maps=maps))
        if name == "photo":
            nn.init.zeros_(net.tail.weight)
        save_weights(folder / f"{name}.safetensors", net, training={})
    for name in ("noise-map-color", "noise-map-gray", "noise-level-color", "noise-level-gray"):
        shutil.copy(ROOT / "weights" / f"{name}.safetensors", folder)
    for file in sorted(folder.glob("*.safetensors")):
        words = {"license": "MIT", "summary": "A net.", "data": "None.", "sigma_range": (0.0, 1.0)}
        manifest.update_manifest(folder, manifest.describe(file, **words))  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("shipped", [True, False])
def test_auto_takes_the_weights_for_photographs_where_they_are_shipped(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shipped: bool
) -> None:
    names = ("color", "photo") if shipped else ("color",)
    folder = shipped_with(tmp_path, *names)
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    result = Denoiser.load(device="cpu").denoise_picture(picture, noise="camera").picture
    removed = np.abs(result.samples.astype(int) - picture.samples)
    assert (removed.max() <= 3) == shipped  # the network for photographs removes nothing


ALL = ("color", "gray", "photo", "color-fast", "gray-fast", "photo-fast")


@pytest.mark.parametrize(
    ("effort", "lacking", "expected"),
    [
        ("fast", "", ["color-fast", "gray-fast", "photo-fast color-fast"]),
        ("fast", "gray-fast photo-fast", ["color-fast", "gray", "photo color-fast"]),
        ("fast", "photo photo-fast", ["color-fast", "gray-fast", "color-fast"]),
        ("normal", "", ["color", "gray", "photo color"]),
        ("best", "", ["color", "gray", "photo color"]),
    ],
)
def test_an_effort_takes_its_own_weights_and_says_which(
    picture: Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    effort: str,
    lacking: str,
    expected: list[str],
) -> None:
    folder = shipped_with(tmp_path, *(name for name in ALL if name not in lacking.split()))
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    denoiser = Denoiser.load(device="cpu", effort=effort)
    gray = Picture(picture.samples[..., :1])
    done = [
        denoiser.denoise_picture(picture, 0.1),
        denoiser.denoise_picture(gray, 0.1),
        denoiser.denoise_picture(picture, noise="camera"),
    ]
    assert [result.weights for result in done] == [tuple(names.split()) for names in expected]


@pytest.mark.parametrize(
    ("effort", "grain", "level", "name"),
    [
        ("normal", 1.2, 8, "photo"),
        ("normal", 2.5, 8, "photo-coarse"),
        ("normal", 2.5, 16, "photo"),
        ("fast", 1.2, 8, "photo-fast"),
        ("fast", 2.5, 8, "photo-coarse-fast"),
        ("fast", 2.5, 16, "photo-fast"),
    ],
)
def test_grain_and_level_decide_which_weights_clean_a_photograph(
    picture: Picture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    effort: str,
    grain: float,
    level: float,
    name: str,
) -> None:
    folder = shipped_with(tmp_path, *ALL, "photo-coarse", "photo-coarse-fast")
    monkeypatch.setattr(manifest, "shipped_folder", lambda: folder)
    denoiser = Denoiser.load(device="cpu", effort=effort)
    examined = denoiser.examine(picture, noise="camera")
    (plane,) = examined.noisy
    maps = plane.estimate.maps
    assert maps is not None
    levels = torch.full_like(maps.levels, level / 255)
    levels[0] /= grain
    told = replace(plane.estimate, maps=replace(maps, levels=levels, whole=None))
    plane = replace(plane, finding=replace(plane.finding, estimate=told))
    examined = replace(examined, planes=(plane,))
    assert denoiser.weights_for(examined) == (name, "color-fast" if effort == "fast" else "color")


def test_a_network_of_the_callers_own_has_no_name(picture: Picture) -> None:
    assert engine(Watched(2)).denoise_picture(picture, 0.1).weights == ()


def test_a_picture_without_noise_is_denoised_by_no_weights(picture: Picture) -> None:
    denoiser = Denoiser.load("color", device="cpu")
    assert denoiser.denoise_picture(picture, 0.1).weights == ("color",)
    assert denoiser.denoise_picture(picture, 0.0).weights == ()


def test_weights_that_take_maps_know_cameras_alone_too(picture: Picture, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_weights(file, ResNet(ResNetConfig(channels=(4,), blocks=(1,), maps=2)), training={})
    mine = Denoiser.load(str(file), device="cpu")
    estimate = mine.denoise_picture(picture, noise="camera").estimate
    assert estimate is not None
    assert estimate.verdict == "camera"
    assert not mine.denoise_picture(picture, 0.1).untouched
    with pytest.raises(UsageError, match="no noise of cameras"):
        Denoiser.load("color", device="cpu").denoise_picture(picture, noise="camera")


@pytest.mark.parametrize(("level", "stays"), [(8 / 255, True), (24 / 255, False)])
def test_outliers_of_strong_noise_do_not_stay_as_specks(level: float, stays: bool) -> None:
    gray = torch.full((1, 3, 48, 48), 0.5)
    noisy = gray.clone()
    noisy[:, :, 20:22, 20:22] += 5 * level

    class Cleaned(Watched):
        def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
            return torch.full_like(noisy, 0.5)

    tiles = TileDenoiser.of(Cleaned(2), torch.device("cpu"), torch.float32)
    denoised = tiles.told(noisy, torch.full((1, 2, 48, 48), level), 1.0, 1.0)
    left = float((denoised - gray).abs().max()) / (5 * level)
    assert left > 0.3 if stays else left < 0.05
