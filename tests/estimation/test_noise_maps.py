"""Photographs: maps of their noise, and what the engine does with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from flowdenoise import images, metrics, weights
from flowdenoise.engine import Crop, Denoiser, RemovalConfig, texture
from flowdenoise.errors import UsageError
from flowdenoise.estimation.noise_evidence import TILES, _spread
from flowdenoise.estimation.noise_maps import NoiseMaps, noise_maps
from flowdenoise.images import Picture
from flowdenoise.images.metadata import Metadata
from flowdenoise.networks import Noise, NoiseMapNet
from flowdenoise.noise import NoiseKind, camera, smoothing
from flowdenoise.system import random_streams

from ..cameras import by_daylight

EXAMPLES = Path(__file__).parents[2] / "examples"


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
    made = camera.simulate(clean, key, by_daylight(kind), torch.tensor([shot])).picture
    return Picture((made[0].permute(1, 2, 0) * 255).round().byte().numpy())


@pytest.mark.parametrize("gray", [False, True])
def test_threads_find_what_one_finds(gray: bool) -> None:
    picture = photograph(smooth(700, 500), 2e-3)
    net = weights.load("noise-map-gray" if gray else "noise-map-color").network
    if gray:
        picture = Picture(picture.samples[..., 1:2])
    device, before = torch.device("cpu"), torch.get_num_threads()
    one, two = (noise_maps(picture, net, device, threads=threads) for threads in (1, 2))
    torch.set_num_threads(before)
    torch.testing.assert_close(one.levels, two.levels, rtol=1e-4, atol=0)
    torch.testing.assert_close(one.brightness, two.brightness, rtol=0, atol=1e-6)
    assert one.kind == two.kind
    assert one.confidence == pytest.approx(two.confidence, rel=1e-4)


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


@pytest.mark.parametrize(("kind", "left"), [("reflex", 0.9), ("phone", 0.35)])
@pytest.mark.parametrize("name", ["coffee", "cat"])
def test_a_gray_photograph_comes_out_cleaner(
    denoiser: Denoiser, kind: camera.Camera, left: float, name: str
) -> None:
    pixels = images.read_uint8(EXAMPLES / f"{name}.png", 3)[:256, :256].copy()
    clean = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    noisy, still = (photograph(clean, shot, kind).tensor() for shot in (3e-3, 1e-9))
    noisy, still = (metrics.luma(picture[0])[None].numpy() for picture in (noisy, still))
    picture = Picture((255 * noisy[0, ..., None]).round().astype(np.uint8))
    result = denoiser.denoise_picture(picture)
    assert result.estimate is not None
    assert result.estimate.verdict == "camera"
    after = result.picture.tensor()[0].numpy()
    assert np.square(after - still).mean() < left * np.square(noisy - still).mean()


def test_stronger_noise_has_higher_maps(denoiser: Denoiser) -> None:
    weak, strong = (denoiser.estimate(photograph(smooth(), shot)) for shot in (1e-4, 1e-2))
    assert weak.maps is not None
    assert strong.maps is not None
    assert strong.sigma > 2 * weak.sigma


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


class Unsure(NoiseMapNet):
    """An estimator that finds no noise, and a clean picture with a probability."""

    def __init__(self, clean: float) -> None:
        nn.Module.__init__(self)
        self.kinds = torch.tensor([clean, (1 - clean) / 2, (1 - clean) / 2]).log()

    def forward(self, picture: torch.Tensor) -> Noise:
        height, width = (side // 8 for side in picture.shape[-2:])
        levels = torch.full((len(picture), 4, height, width), 0.12 / 255)
        return Noise(levels, self.kinds.repeat(len(picture), 1))


def taken_at(iso: int | None, height: int, width: int) -> Picture:
    """Texture that differs from place to place, whose file states an ISO."""
    rng = np.random.default_rng(0)
    tile = rng.normal(100, 1, (256, 256, 1)) + rng.normal(0, 8, (256, 256, 1)) * np.linspace(
        0.5, 2, 256
    ).reshape(256, 1, 1)
    samples = np.tile(tile.clip(1, 254).astype(np.uint8), (height // 256, width // 256, 3))
    exif = Image.Exif()
    if iso is not None:
        exif.get_ifd(34665)[34855] = iso
    return Picture(samples, metadata=Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0")))


@pytest.mark.parametrize(
    ("iso", "side", "clean", "kind"),
    [
        (1600, 3584, 0.9, "camera"),
        (1600, 3584, 0.99, "clean"),  # the estimator is sure
        (200, 3584, 0.9, "clean"),
        (1600, 512, 0.9, "clean"),  # reduced, it may have lost its noise
        (None, 3584, 0.9, "clean"),
    ],
)
def test_a_high_iso_of_a_large_photograph_decides_where_the_estimator_is_not_sure(
    iso: int | None, side: int, clean: float, kind: str
) -> None:
    maps = noise_maps(taken_at(iso, side, side), Unsure(clean), torch.device("cpu"))
    assert maps.kind == kind
    assert (maps.level("brightness") > 3 / 255) == (kind == "camera")


def test_how_sure_the_iso_makes_follows_from_bayes_rule() -> None:
    picture, device = taken_at(1600, 3584, 3584), torch.device("cpu")
    found = [noise_maps(picture, Unsure(clean), device).confidence for clean in (0.96, 0.9, 0.5)]
    odds = [0.97 / 0.03 * (1 - clean) / clean for clean in (0.96, 0.9, 0.5)]
    assert found == pytest.approx([each / (1 + each) for each in odds], rel=1e-3)


def test_noise_that_the_user_tells_is_believed_whatever_the_estimator_says() -> None:
    picture, device = taken_at(None, 512, 512), torch.device("cpu")
    told = noise_maps(picture, Unsure(0.999), device, told=True)
    assert (told.kind, told.confidence) == ("camera", 1.0)
    assert told.level("brightness") > 3 / 255


class Counting(NoiseMapNet):
    """The shipped estimator, which counts the tiles that it looks at."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.tiles, self.shipped = 0, weights.load("noise-map-color").network.eval()

    def forward(self, picture: torch.Tensor) -> Noise:
        self.tiles += len(picture)
        found: Noise = self.shipped(picture)
        return found


def test_some_tiles_of_a_large_picture_tell_what_all_do() -> None:
    picture, net = photograph(smooth(512, 768), 2e-3), Counting()
    device = torch.device("cpu")
    whole = noise_maps(picture, net, device)
    assert net.tiles == 4 * 6
    some = noise_maps(picture, net, device, tiles=6)
    assert net.tiles == 4 * 6 + 6
    assert (some.kind, some.levels.shape) == (whole.kind, whole.levels.shape)
    assert torch.equal(some.brightness, whole.brightness)
    for name in ("brightness", "color, coarse"):
        assert some.level(name) == pytest.approx(whole.level(name), rel=0.1)
    off = (some.levels / whole.levels).log().abs()
    assert off.mean() < 0.1


@pytest.mark.parametrize(("down", "across", "tiles"), [(3, 4, 12), (8, 12, 48), (40, 60, 192)])
def test_the_tiles_that_tell_are_spread(down: int, across: int, tiles: int) -> None:
    seen = _spread(down, across, tiles)
    assert 0.9 * tiles <= int(seen.sum()) <= 1.1 * tiles
    share = seen.float().mean()
    quarters = [part.float().mean() for half in seen.chunk(2, 0) for part in half.chunk(2, 1)]
    assert all(abs(quarter - share) < 0.25 * share for quarter in quarters)


@pytest.mark.parametrize("bars", [((40, 0), (0, 0)), ((0, 21), (64, 30)), ((8, 8), (8, 8))])
def test_bars_around_a_picture_say_nothing_of_its_noise(
    denoiser: Denoiser, bars: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    inside = photograph(smooth(192, 192), 2e-3).samples
    with_bars = np.pad(inside, (*bars, (0, 0)))
    alone, found = denoiser.estimate(Picture(inside)), denoiser.estimate(Picture(with_bars))
    assert alone.maps is not None
    assert found.maps is not None
    rows, columns = (slice(before // 8, before // 8 + 24) for before, _ in bars)
    assert torch.allclose(found.maps.levels[:, rows, columns], alone.maps.levels, rtol=1e-5)
    assert found.maps.brightness.shape == tuple(-(-side // 8) for side in with_bars.shape[:2])


def test_a_picture_of_one_color_has_maps_too() -> None:
    maps = noise_maps(Picture(np.full((40, 52, 3), 7, np.uint8)), Known(), torch.device("cpu"))
    assert maps.levels.shape == (4, 5, 7)
    assert maps.kind == "clean"


def test_a_large_picture_that_varies_only_where_nobody_looks_is_clean() -> None:
    samples = np.full((2560, 2560, 3), 128, np.uint8)
    unseen = np.kron(~_spread(20, 20, TILES).numpy(), np.ones((128, 128), bool))
    ends = np.zeros_like(unseen)
    ends[:40] = ends[-40:] = ends[:, :40] = ends[:, -40:] = True  # or the rest would be bars
    places = unseen & ends
    samples[places] = np.random.default_rng(0).integers(0, 255, (int(places.sum()), 3))
    net = weights.load("noise-map-color").network
    maps = noise_maps(Picture(samples), net, torch.device("cpu"))
    assert maps.kind == "clean"
    assert maps.sigma < 0.5 / 255


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


def test_fine_texture_comes_back_where_the_noise_does_not_explain_it() -> None:
    torch.manual_seed(1)
    noise = 0.05 * torch.randn(1, 1, 64, 128)
    stripes = 0.2 * torch.tensor([1.0, -1]).repeat(32)[None, None, None].expand(-1, -1, 64, -1)
    removed = torch.cat([noise[..., :64], stripes], 3).expand(-1, 3, -1, -1)
    noisy, denoised = 0.5 + removed, torch.full((1, 3, 64, 128), 0.5)
    level = torch.full((1, 1, 64, 128), 3**0.5 * 0.05)
    back = texture.give_back(noisy, denoised, level, 1.0) - denoised
    assert back[..., :48].abs().max() < 0.5 * removed[..., :48].abs().max()
    assert (back[..., 76:120] / removed[..., 76:120]).min() > 0.8
    half = texture.give_back(noisy, denoised, level, 0.5) - denoised
    assert torch.allclose(half, back / 2, atol=1e-6)


def test_detail_changes_a_photograph_and_none_of_it_changes_nothing(denoiser: Denoiser) -> None:
    noisy = photograph(smooth(), 3e-3)
    plain, none, all_of_it = (
        denoiser.denoise_picture(noisy, noise="camera", **options).picture.samples
        for options in ({}, {"detail": 0.0}, {"detail": 1.0})
    )
    assert np.array_equal(plain, none)
    assert not np.array_equal(plain, all_of_it)
    closer = np.abs(noisy.samples.astype(int) - all_of_it).mean()
    assert closer < np.abs(noisy.samples.astype(int) - plain).mean()


@pytest.mark.parametrize("kind", ["camera", "white"])
def test_a_crop_is_that_part_of_the_whole_result(denoiser: Denoiser, kind: NoiseKind) -> None:
    noisy = photograph(smooth(), 3e-3)
    crop = Crop(width=101, height=64, left=37, top=150)
    whole = denoiser.denoise_picture(noisy, noise=kind, detail=0.5)
    part = denoiser.denoise_picture(noisy, noise=kind, detail=0.5, crop=crop)
    assert part.sigma == whole.sigma
    assert (part.picture.width, part.picture.height) == (101, 64)
    rows, columns = crop.of(noisy.width, noisy.height)
    different = part.picture.samples.astype(int) - whole.picture.samples[rows, columns]
    assert np.abs(different).max() <= 1
    assert (different != 0).mean() < 0.1


def test_a_crop_beyond_the_picture_is_refused(denoiser: Denoiser) -> None:
    noisy = photograph(smooth(64, 64), 3e-3)
    with pytest.raises(
        UsageError, match=r"60x10\+8\+0 reaches beyond the picture, which is 64x64"
    ):
        denoiser.denoise_picture(noisy, crop=Crop(60, 10, 8, 0))
    for text in ("60x10", "0x10+0+0", "60x10+-8+0", "a picture"):
        with pytest.raises(UsageError):
            Crop.parse(text)


def test_a_part_goes_to_the_network_of_the_whole_picture() -> None:
    levels = torch.full((4, 8, 8), 0.05)
    levels[0, :, 4:] = 0.01  # coarse grain at the right, most of it fine
    levels[0, :, :4] = 0.2
    whole = NoiseMaps(levels, torch.full((8, 8), 0.5), "camera", 1.0)
    part = whole.part(slice(0, 64), slice(32, 64))
    again = part.part(slice(0, 32), slice(0, 32))
    assert part.grain > 4 * whole.grain
    assert whole.is_fine
    assert part.is_fine
    assert again.is_fine


def test_a_part_of_strong_noise_is_strong_where_it_is_weak() -> None:
    levels = torch.full((4, 8, 8), 0.2)
    levels[:, :, 4:] = 0.01
    whole = NoiseMaps(levels, torch.full((8, 8), 0.5), "camera", 1.0)
    weak = whole.part(slice(0, 64), slice(32, 64))
    assert weak.sigma < 0.02
    assert whole.is_strong
    assert weak.is_strong
    assert not replace(weak, whole=None).is_strong


class Doubtful(Known):
    """An estimator that takes everything for clean, but is not certain."""

    def forward(self, picture: torch.Tensor) -> Noise:
        """Tell next to no noise."""
        levels = torch.full((len(picture), 4, *(side // 8 for side in picture.shape[2:])), 2e-4)
        return Noise(levels, torch.tensor([1.0, 0.0, 0.0]).expand(len(picture), 3))


def test_the_floor_tells_noise_that_the_estimator_takes_for_texture() -> None:
    net, device = Doubtful(), torch.device("cpu")
    noise = np.random.default_rng(0).normal(0, 5, (288, 320, 1))  # of brightness alone
    clean = 255 * smooth(288)[0].permute(1, 2, 0).numpy()
    noisy = Picture((clean + noise).round().clip(0, 255).astype(np.uint8))
    found = noise_maps(noisy, net, device)
    assert found.kind == "camera"
    assert 255 * found.level("brightness") == pytest.approx(5 * 3**0.5, rel=0.2)
    assert noise_maps(Picture(clean.round().astype(np.uint8)), net, device).kind == "clean"


@pytest.mark.parametrize("level", [12, 25])
def test_coarse_grain_that_the_estimator_takes_for_texture_is_not_called_clean(
    denoiser: Denoiser, level: float
) -> None:
    random = np.random.default_rng(0)
    white = torch.from_numpy(random.standard_normal((1, 1, 388, 388)).astype(np.float32))
    coarse = smoothing.blur_each(white, torch.tensor([1.2]))[0, 0, :380, :380].numpy()
    clean = 255 * smooth(380, 380)[0].permute(1, 2, 0).numpy()
    noisy = clean + (level * coarse / coarse.std())[..., None]
    picture = Picture(noisy.round().clip(0, 255).astype(np.uint8))
    assert denoiser.estimate(picture).verdict != "clean"
    sure = Unsure(0.95)  # that it is clean
    found = noise_maps(picture, sure, torch.device("cpu"))
    assert found.kind == "camera"
    whole = Picture(clean.round().astype(np.uint8))
    assert noise_maps(whole, sure, torch.device("cpu")).kind == "clean"


def test_a_gray_photograph_is_denoised_by_its_floor(denoiser: Denoiser) -> None:
    coarse = np.random.default_rng(0).normal(0, 14, (258, 322))
    noise = sum(coarse[i : i + 256, j : j + 320] for i in range(3) for j in range(3)) / 9
    clean = 255 * smooth()[0, :1].permute(1, 2, 0).numpy()
    noisy = (clean + noise[..., None]).round().clip(0, 255).astype(np.uint8)
    for picture in (Picture(noisy), Picture(noisy.repeat(3, 2))):
        result = denoiser.denoise_picture(picture)
        assert result.estimate.verdict == "camera"
        assert result.weights == ("photo", "gray")  # the second removes what is left
        error = (result.picture.samples.astype(float) - clean).std()
        assert error < 0.5 * noise.std()
    white = np.random.default_rng(1).normal(0, 14, (256, 320, 1))
    told = Picture((clean + white).round().clip(0, 255).astype(np.uint8))
    assert denoiser.estimate(told).verdict == "noisy"
    assert denoiser.estimate(Picture(clean.round().astype(np.uint8))).untouched
