"""Single black and white pixels are not called clean, and what is drawn is not called specks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from flowdenoise import Denoiser, images
from flowdenoise.estimation import has_specks
from flowdenoise.images import Picture

from ..conftest import scene

CAT = Path(__file__).parents[2] / "examples" / "cat.png"


def with_specks(clean: np.ndarray, share: float, *, channels: int) -> np.ndarray:
    """A share of the pixels, or of the values of one channel, is black or white."""
    random = np.random.default_rng(3)
    samples = clean.copy()
    places = random.random(clean.shape[:2]) < share
    ends = np.where(random.random(clean.shape[:2]) < 0.5, 0, 255)[places, None]
    samples[places, :channels] = ends
    return samples


def page() -> np.ndarray:
    """Letters of all sizes, with dots of a pixel."""
    sheet = Image.new("L", (400, 300), 255)
    draw = ImageDraw.Draw(sheet)
    for row in range(20):
        font = ImageFont.load_default(7 + row % 5)
        draw.text((4, 15 * row), "it is (i.e., is it?) a line of text; with dots ...", 0, font)
    return np.asarray(sheet)[..., None]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("share", [0.002, 0.01])
@pytest.mark.parametrize("clean", [scene(256, 320), images.read_uint8(CAT, 3)[:256, :320]])
def test_specks_are_told_and_stay(clean: np.ndarray, share: float, channels: int) -> None:
    picture = Picture(with_specks(clean, share, channels=channels))
    denoiser = Denoiser.load(device="cpu", precision="float32")
    assert not has_specks(Picture(clean))
    assert denoiser.estimate(picture).verdict == "specks"
    assert denoiser.denoise_picture(picture).picture is picture


def test_letters_and_few_points_are_no_specks() -> None:
    assert not has_specks(Picture(page()))
    corner = page().repeat(3, 2)
    corner[:100, :130] = with_specks(corner[:100, :130], 0.05, channels=3)
    assert not has_specks(Picture(corner))
    assert has_specks(Picture(with_specks(page(), 0.02, channels=1)))


@pytest.mark.parametrize("tone", [0, 255])
def test_points_of_one_tone_count_and_lines_do_not(tone: int) -> None:
    lines = np.random.default_rng(0).integers(120, 124, (256, 256, 1)).astype(np.uint8)
    points = lines.copy()
    lines[::6] = lines[:, ::10] = tone
    points[4::8, 4::8] = tone
    assert not has_specks(Picture(lines))
    assert has_specks(Picture(points))
