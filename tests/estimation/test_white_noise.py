"""A level that sees: what says nothing of noise is left out, and only clean is called clean.

The pictures are what people have: bars of a letterbox, scans on white, cut-outs, pages of text.
"""

from __future__ import annotations

import io
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn.functional import interpolate

from flowdenoise import Denoiser, images, metrics
from flowdenoise.estimation.white_noise import by_channel, crops
from flowdenoise.images import Picture

from ..conftest import scene

HEIGHT, WIDTH = 320, 384
CAT = Path(__file__).parents[2] / "examples" / "cat.png"


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


def noisy(clean: np.ndarray, sigma: float) -> np.ndarray:
    values = clean + sigma * np.random.default_rng(0).normal(size=clean.shape)
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def photo(sigma: float = 15) -> np.ndarray:
    return noisy(scene(HEIGHT, WIDTH), sigma)


def letterbox(share: float, level: int, sigma: float) -> np.ndarray:
    samples = photo(sigma)
    bar = int(HEIGHT * share / 2)
    samples[:bar], samples[HEIGHT - bar :] = level, level
    return samples


@pytest.mark.parametrize("sigma", [5, 15, 40])
@pytest.mark.parametrize(("share", "level"), [(0, 0), (0.3, 255), (0.6, 0), (0.6, 20), (0.8, 0)])
def test_bars_say_nothing_and_stay(
    denoiser: Denoiser, share: float, level: int, sigma: float
) -> None:
    picture = Picture(letterbox(share, level, sigma))
    estimate = denoiser.estimate(picture)
    assert 255 * estimate.sigma == pytest.approx(sigma, rel=0.08)
    assert estimate.verdict == "noisy"
    if sigma == 15:
        bar = int(HEIGHT * share / 2)
        result = denoiser.denoise_picture(picture).picture.samples
        assert (result[:bar] == level).all()
        assert (result[HEIGHT - bar :] == level).all()


def test_bars_of_nine_tenths_of_a_large_picture(denoiser: Denoiser) -> None:
    samples = np.zeros((1600, 1200, 3), np.uint8)
    samples[720:880] = noisy(scene(160, 1200), 15)
    assert 255 * denoiser.estimate_sigma(Picture(samples)) == pytest.approx(15, rel=0.08)


def test_a_scan_on_white(denoiser: Denoiser) -> None:
    samples = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    samples[40:200, 50:250] = noisy(scene(160, 200), 15)
    assert 255 * denoiser.estimate_sigma(Picture(samples)) == pytest.approx(15, rel=0.08)


@pytest.mark.parametrize("beneath", ["black", "rubbish"])
def test_what_is_transparent_says_nothing_and_is_carried_through(
    denoiser: Denoiser, beneath: str
) -> None:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    alpha = np.where(x**2 + y**2 < 0.5, 255, 0).astype(np.uint8)
    samples = photo()
    rubbish = np.random.default_rng(1).integers(0, 256, samples.shape)
    samples[alpha == 0] = 0 if beneath == "black" else rubbish[alpha == 0]
    picture = Picture(samples, alpha)
    assert 255 * denoiser.estimate_sigma(picture) == pytest.approx(15, rel=0.08)
    result = denoiser.denoise_picture(picture).picture
    assert (result.samples[alpha == 0] == samples[alpha == 0]).all()


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_noise_that_was_scaled_up_is_never_called_clean(denoiser: Denoiser, mode: str) -> None:
    def enlarged(pixels: np.ndarray) -> Picture:
        small = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
        large = interpolate(small, scale_factor=2, mode=mode, align_corners=False)
        return Picture(images.quantize(large / 255, np.uint8))

    picture, clean = enlarged(noisy(scene(160, 240), 25)), enlarged(scene(160, 240)).tensor()
    told = denoiser.denoise_picture(picture, noise="white")
    assert told.untouched
    assert told.estimate is not None
    assert told.estimate.verdict == "not white"
    found = denoiser.denoise_picture(picture)
    assert found.estimate is not None
    assert found.estimate.verdict == "camera"
    before, after = (
        (shown.tensor() - clean).square().mean() for shown in (picture, found.picture)
    )
    assert after < 0.5 * before


def test_the_end_of_the_scale_is_told(denoiser: Denoiser) -> None:
    values = np.random.default_rng(0).normal(0.5, 0.6, (128, 128, 3)).astype(np.float32)
    estimate = denoiser.estimate(Picture(values))
    assert estimate.verdict == "beyond"
    assert 255 * estimate.sigma > 80


@pytest.mark.parametrize("sigma", [1, 3, 5])
@pytest.mark.parametrize("channels", [3, 1])
def test_a_page_of_text_is_not_noise(denoiser: Denoiser, channels: int, sigma: float) -> None:
    page = Image.new("RGB", (128, 96), (250, 240, 220))
    draw = ImageDraw.Draw(page)
    for row in range(8):
        draw.text((3, 12 * row), "the quick brown fox jumps", fill=(20 * row, 30, 160 - 20 * row))
    found = denoiser.estimate(Picture(noisy(np.array(page)[..., :channels], sigma)))
    assert 255 * found.sigma < 1.6 * sigma


def test_noise_in_a_part_of_a_picture_is_removed_there(denoiser: Denoiser) -> None:
    clean = images.read_uint8(CAT, 3)[:HEIGHT, :WIDTH]
    samples = clean.copy()
    samples[:, WIDTH // 2 :] = noisy(clean, 25)[:, WIDTH // 2 :]
    result = denoiser.denoise_picture(Picture(samples)).picture.samples
    before, after = (np.square(one - clean.astype(float)).mean() for one in (samples, result))
    assert after < before / 2


def print_of(size: int, ink: int, paper: int) -> np.ndarray:
    """A gray page full of text, (400, 560, 1)."""
    page = Image.new("L", (560, 400), paper)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size)
    words = "noise goes, lines and letters stay as they are; 0123456789 " * 6
    for line, top in enumerate(range(4, 400 - size, size + 3)):
        draw.text((5, top), words[3 * line :], fill=ink, font=font)
    return np.array(page)[..., None]


def blots() -> np.ndarray:
    """A mask of round edges, (300, 300, 1)."""
    y, x = np.mgrid[:300, :300]
    waves = sum(np.sin(x * np.cos(a) / 3 + y * np.sin(a) / 3 + 5 * a) for a in (0.3, 1.4, 2.6))
    return (255 * (waves > 0)).astype(np.uint8)[..., None]


PRINTS = {
    "dense text": print_of(7, 0, 255),
    "text": print_of(9, 0, 255),
    "large text": print_of(14, 0, 255),
    "white text": print_of(9, 255, 0),
    "mask": blots(),
    "printed code": np.kron(
        np.random.default_rng(0).integers(0, 2, (60, 60, 1)), np.full((4, 4, 1), 255)
    ).astype(np.uint8),
}


@pytest.mark.parametrize("name", list(PRINTS))
@pytest.mark.parametrize("channels", [1, 3])
def test_black_and_white_print_is_not_taken_for_noise_that_was_cut_off(
    denoiser: Denoiser, name: str, channels: int
) -> None:
    clean = Picture(PRINTS[name].repeat(channels, 2))
    assert denoiser.denoise_picture(clean).untouched
    file = io.BytesIO()
    images.write(clean, file, format="JPEG", quality=85)
    stored = images.read(io.BytesIO(file.getvalue()))
    kept = denoiser.denoise_picture(stored).picture
    assert metrics.psnr(kept.tensor(), stored.tensor()) > 40  # of large letters JPEG leaves rings
    faint = noisy(clean.samples, 2)
    result = denoiser.denoise_picture(Picture(faint))
    before, after = (
        np.square(one - clean.samples.astype(float)).mean()
        for one in (faint, result.picture.samples)
    )
    assert after < 1.02 * before


def test_a_picture_of_two_values_has_no_noise(denoiser: Denoiser) -> None:
    dithered = Image.fromarray(photo(0)).convert("1").convert("L")
    for samples in (np.array(dithered)[..., None], np.array(dithered)[..., None] // 5 + 90):
        assert len(np.unique(samples)) == 2
        assert denoiser.estimate(Picture(samples)).verdict == "clean"


def test_the_noise_of_light_may_be_weaker_in_the_dark(denoiser: Denoiser) -> None:
    ramp = np.linspace(0, 1, 512)[None, :, None].repeat(256, 0)
    photons = np.random.default_rng(0).poisson(100 * ramp) / 100
    samples = np.rint(255 * photons.clip(0, 1)).astype(np.uint8)
    found = denoiser.estimate(Picture(samples))
    assert 255 * found.sigma == pytest.approx(255 * 0.5**0.5 / 10, rel=0.2)


@pytest.mark.parametrize("channels", [3, 1])
def test_no_noise_is_not_a_little_noise(denoiser: Denoiser, channels: int) -> None:
    """The first bin of the estimators stands for no noise at all, not for its own level, 0.15."""
    cat = Picture(np.ascontiguousarray(images.read(CAT).samples[..., :channels]))
    assert 255 * denoiser.estimate_sigma(cat) < 0.1


class Told:
    """A judge of single channels that says what their first value is."""

    def estimate(self, crops: list[torch.Tensor], telling: list[torch.Tensor]) -> float:
        return float(crops[0].flatten()[0])


@pytest.mark.parametrize(
    ("levels", "sigma", "differ"),
    [
        ((0.04, 0.02, 0.08), 0.05, True),
        ((0.04, 0.04, 0.05), 0.05, False),  # not by much
        ((0.004, 0.004, 0.014), 0.004, False),  # fine detail in one, which all together tell
    ],
)
def test_channels_have_levels_of_their_own_if_they_differ_and_agree_with_the_whole(
    levels: tuple[float, ...], sigma: float, differ: bool
) -> None:
    crop = torch.tensor(levels).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    found = by_channel([crop], [torch.ones(1, 1, 1, 1)], Told(), sigma)  # type: ignore[arg-type]
    assert found == (pytest.approx(levels) if differ else ())


def test_detail_that_all_channels_show_is_not_their_noise() -> None:
    true, detail = (0.04, 0.02, 0.08), 0.04**2
    levels = [(level**2 + detail) ** 0.5 for level in true]
    crop = torch.tensor(levels).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    sigma = sum(true) / 3  # what is found for all channels together
    found = by_channel([crop], [torch.ones(1, 1, 1, 1)], Told(), sigma)  # type: ignore[arg-type]
    assert sum(found) / 3 == pytest.approx(1.1 * sigma)
    for level, without, before in zip(true, found, levels, strict=True):
        assert level < without < 0.5 * (level + before) + 0.005


@pytest.mark.parametrize(("rows", "columns"), [(16, 24), (12, 16), (8, 12), (24, 16), (30, 30)])
@pytest.mark.parametrize("most", [8, 16])
def test_a_round_of_crops_is_spread_over_rows_and_columns(
    rows: int, columns: int, most: int
) -> None:
    places = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns, 1)
    picture = Picture(places.repeat(16, 0).repeat(16, 1))
    found = [int(crop[0, 0, 0, 0]) for crop, _ in islice(crops(picture, 16, most), most)]
    own = ({n // columns for n in found}, {n % columns for n in found})
    for lines, seen in zip((rows, columns), own, strict=True):
        assert len(seen) >= min(most, lines) / 2
        assert len({4 * line // lines for line in seen}) >= 3  # of the quarters
    assert len({int(crop[0, 0, 0, 0]) for crop, _ in crops(picture, 16, most)}) == rows * columns


def test_crops_cover_a_picture_in_rounds() -> None:
    picture = Picture(np.arange(1024 * 1100, dtype=np.float32).reshape(1024, 1100, 1))
    found = [crop for crop, _ in crops(picture, 256, 4)]
    corners = {float(crop[0, 0, 0, 0]) for crop in found}
    assert len(found) == len(corners) == 20
    assert all(crop.shape == (1, 1, 256, 256) for crop in found)
    first = {int(crop[0, 0, 0, 0]) // 1100 for crop in found[:4]}
    assert len(first) > 2  # a round is spread over the rows
