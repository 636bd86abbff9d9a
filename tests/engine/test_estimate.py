"""A level that sees: what says nothing of noise is left out, and only clean is called clean.

The pictures are what people have: bars of a letterbox, scans on white, cut-outs, pages of text.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn.functional import interpolate

from flowdenoise import Denoiser, images
from flowdenoise.engine.estimate import by_channel, crops
from flowdenoise.images import Picture

from ..conftest import scene

HEIGHT, WIDTH = 320, 384


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


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def text(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    page = Image.new("RGB", (WIDTH, HEIGHT), paper)
    draw = ImageDraw.Draw(page)
    for line, size in enumerate([10, 12, 14, 16, 12, 10, 14, 18, 12, 11, 10, 12, 13]):
        words = "the quick brown fox jumps over the lazy dog, and noise is removed " * 2
        draw.text((14, 12 + 23 * line), words[line : line + 60], fill=ink, font=font(size))
    return np.array(page)


def screenshot() -> np.ndarray:
    screen = Image.new("RGB", (WIDTH, HEIGHT), (236, 236, 240))
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, WIDTH, 24), fill=(60, 64, 72))
    draw.text((10, 5), "File  Edit  View  Help", fill=(230, 230, 230), font=font(12))
    for index, color in enumerate([(250, 210, 120), (130, 200, 250), (210, 250, 160)]):
        left = 12 + 122 * index
        draw.rounded_rectangle((left, 60, left + 110, 200), 10, fill=color, outline=(90, 90, 100))
        draw.text((left + 8, 70), f"Window {index}", fill=(20, 20, 20), font=font(12))
        draw.ellipse((left + 12, 100, left + 60, 148), fill=color[::-1])
    return np.array(screen)


def chart() -> np.ndarray:
    sheet = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    colors = [(220, 30, 30), (30, 90, 220), (20, 160, 60), (230, 150, 0)]
    for row in range(7):
        draw.line((40, 30 + 40 * row, 370, 30 + 40 * row), fill=(220, 220, 220))
        draw.text((10, 24 + 40 * row), str(60 - 10 * row), fill=(60, 60, 60), font=font(11))
    for index, color in enumerate(colors):
        x = np.arange(40, 370)
        y = 150 + 60 * np.sin(x / (20 + 9 * index) + index)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=color, width=1 + index % 3)
        draw.rectangle((60 + 80 * index, 240 - 20 * index, 100 + 80 * index, 290), fill=color)
    return np.array(sheet)


def example(name: str) -> np.ndarray:
    """A photograph that is shipped."""
    return images.read(Path(__file__).parents[2] / "examples" / f"{name}.png").samples


def red_lines() -> np.ndarray:
    samples = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for line in (1, 2, 3):
        rows = slice((line - 1) * HEIGHT // 3, line * HEIGHT // 3)
        for x in range(6, WIDTH - 4, 11):
            samples[rows, x : x + line] = (255, 0, 0)
    return samples


CLEAN: dict[str, Callable[[], np.ndarray]] = {
    "black on white": lambda: text((0, 0, 0), (255, 255, 255)),
    "red on cream": lambda: text((120, 20, 20), (250, 240, 220)),
    "light on dark": lambda: text((200, 210, 190), (24, 26, 30)),
    "gray on gray": lambda: text((90, 90, 90), (200, 200, 200)),
    "screenshot": screenshot,
    "chart": chart,
    "lines": red_lines,
    "coffee": lambda: example("coffee"),
    "cat": lambda: example("cat"),
}


@pytest.mark.parametrize("stored", ["png", "jpeg 95", "jpeg 75"])
@pytest.mark.parametrize("name", CLEAN)
def test_clean_pictures_are_found_clean(denoiser: Denoiser, name: str, stored: str) -> None:
    picture = Picture(CLEAN[name]())
    if stored != "png":
        data, _ = images.encode(picture, "JPEG", quality=int(stored.split()[1]))
        picture = images.read(data)
    result = denoiser.denoise_picture(picture)
    assert result.estimate is not None
    assert result.estimate.verdict == "clean", 255 * result.sigma
    assert result.picture is picture


@pytest.mark.parametrize("channels", [3, 1])
def test_no_noise_is_not_a_little_noise(denoiser: Denoiser, channels: int) -> None:
    """The first bin of the estimators stands for no noise at all, not for its own level, 0.15."""
    cat = Picture(np.ascontiguousarray(example("cat")[..., :channels]))
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


def test_crops_cover_a_picture_in_rounds() -> None:
    picture = Picture(np.arange(1024 * 1100, dtype=np.float32).reshape(1024, 1100, 1))
    found = [crop for crop, _ in crops(picture, 256, 4)]
    corners = {float(crop[0, 0, 0, 0]) for crop in found}
    assert len(found) == len(corners) == 20
    assert all(crop.shape == (1, 1, 256, 256) for crop in found)
    first = {int(crop[0, 0, 0, 0]) // 1100 for crop in found[:4]}
    assert len(first) > 2  # a round is spread over the rows
