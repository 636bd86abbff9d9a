"""Clean pictures come back bit for bit: text, screenshots, charts, photographs.

Each is tried as PNG and as JPEG, whose artifacts are no noise either.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from flowdenoise import Denoiser, images
from flowdenoise.images import Picture

HEIGHT, WIDTH = 320, 384
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
COLORS = [(220, 30, 30), (30, 90, 220), (20, 160, 60), (230, 150, 0), (120, 60, 160)]
EXAMPLES = Path(__file__).parents[2] / "examples"

Color = tuple[int, int, int]


def sheet(paper: Color = WHITE) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    page = Image.new("RGB", (WIDTH, HEIGHT), paper)
    return page, ImageDraw.Draw(page)


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def text(ink: Color, paper: Color) -> np.ndarray:
    page, draw = sheet(paper)
    for line, size in enumerate([10, 12, 14, 16, 12, 10, 14, 18, 12, 11, 10, 12, 13]):
        words = "the quick brown fox jumps over the lazy dog, and noise is removed " * 2
        draw.text((14, 12 + 23 * line), words[line : line + 60], fill=ink, font=font(size))
    return np.array(page)


def desktop() -> np.ndarray:
    screen, draw = sheet((236, 236, 240))
    draw.rectangle((0, 0, WIDTH, 24), fill=(60, 64, 72))
    draw.text((10, 5), "File  Edit  View  Help", fill=(230, 230, 230), font=font(12))
    for index, color in enumerate([(250, 210, 120), (130, 200, 250), (210, 250, 160)]):
        left = 12 + 122 * index
        draw.rounded_rectangle((left, 60, left + 110, 200), 10, fill=color, outline=(90, 90, 100))
        draw.text((left + 8, 70), f"Window {index}", fill=(20, 20, 20), font=font(12))
        draw.ellipse((left + 12, 100, left + 60, 148), fill=color[::-1])
    return np.array(screen)


def terminal() -> np.ndarray:
    screen, draw = sheet((18, 20, 24))
    for line in range(20):
        ink = [(200, 200, 200), (120, 220, 120), (230, 120, 110)][line % 3]
        words = f"$ make test-{line:02}  # {'ok' if line % 3 else 'failed'} in {7 * line} s"
        draw.text((8, 6 + 15 * line), words, fill=ink, font=font(12))
    return np.array(screen)


def spreadsheet() -> np.ndarray:
    page, draw = sheet()
    for row in range(16):
        if row % 2:
            draw.rectangle((0, 20 * row, WIDTH, 20 * row + 19), fill=(240, 245, 250))
        for column in range(6):
            draw.line((64 * column, 0, 64 * column, HEIGHT), fill=(210, 210, 210))
            number = f"{(37 * row + 101 * column) % 997:.2f}"
            draw.text((64 * column + 6, 20 * row + 3), number, fill=(30, 30, 30), font=font(11))
    return np.array(page)


def curves() -> np.ndarray:
    page, draw = sheet()
    for row in range(7):
        draw.line((40, 30 + 40 * row, 370, 30 + 40 * row), fill=(220, 220, 220))
        draw.text((10, 24 + 40 * row), str(60 - 10 * row), fill=(60, 60, 60), font=font(11))
    for index, color in enumerate(COLORS[:4]):
        x = np.arange(40, 370)
        y = 150 + 60 * np.sin(x / (20 + 9 * index) + index)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=color, width=1 + index % 3)
        draw.rectangle((60 + 80 * index, 240 - 20 * index, 100 + 80 * index, 290), fill=color)
    return np.array(page)


def pie() -> np.ndarray:
    page, draw = sheet((250, 250, 250))
    for index, color in enumerate(COLORS):
        draw.pieslice((60, 30, 300, 270), 72 * index, 72 * index + 72, fill=color, outline=WHITE)
        draw.text((310, 40 + 24 * index), f"part {index}", fill=color, font=font(13))
    return np.array(page)


def scatter() -> np.ndarray:
    page, draw = sheet()
    draw.rectangle((40, 20, 370, 290), outline=(40, 40, 40))
    places = np.random.default_rng(0).normal(0.5, 0.15, (120, 2))
    for index, (x, y) in enumerate(places.tolist()):
        left, top = 40 + 330 * x, 20 + 270 * y
        draw.ellipse((left - 3, top - 3, left + 3, top + 3), fill=COLORS[index % 4])
    return np.array(page)


def red_lines() -> np.ndarray:
    samples = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for line in (1, 2, 3):
        rows = slice((line - 1) * HEIGHT // 3, line * HEIGHT // 3)
        for x in range(6, WIDTH - 4, 11):
            samples[rows, x : x + line] = (255, 0, 0)
    return samples


def example(name: str) -> np.ndarray:
    """A photograph that is shipped."""
    return images.read(EXAMPLES / f"{name}.png").samples


DRAWN: dict[str, Callable[[], np.ndarray]] = {
    "black on white": lambda: text(BLACK, WHITE),
    "red on cream": lambda: text((120, 20, 20), (250, 240, 220)),
    "light on dark": lambda: text((200, 210, 190), (24, 26, 30)),
    "gray on gray": lambda: text((90, 90, 90), (200, 200, 200)),
    "black on white in one channel": lambda: text(BLACK, WHITE)[..., :1],
    "desktop": desktop,
    "terminal": terminal,
    "spreadsheet": spreadsheet,
    "curves": curves,
    "pie": pie,
    "scatter": scatter,
    "lines": red_lines,
    "coffee": lambda: example("coffee"),
    "cat": lambda: example("cat"),
    "camera": lambda: example("camera"),
}

PHOTOGRAPHS = (
    "budgie_colorful-wall.jpg",
    "gnome_road.jpg",
    "immich_empty-gps.jpg",
    "openstax-anth_06.jpg",
    "openstax-bus_ch12splash-01.jpg",
    "openstax-fin_16.jpg",
    "pmos_sunset.jpg",
    "solus_red-cherry-leaves.jpg",
    "xub_justrocks.jpg",
)
"""The middle of each is looked at."""


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.load(device="cpu", precision="float32")


def check(denoiser: Denoiser, samples: np.ndarray, stored: str) -> None:
    picture = Picture(samples)
    if stored != "png":
        data, _ = images.encode(picture, "JPEG", quality=int(stored.split()[1]))
        picture = images.read(data)
    result = denoiser.denoise_picture(picture)
    assert result.estimate is not None
    assert result.estimate.verdict == "clean", 255 * result.sigma
    assert result.picture is picture


@pytest.mark.parametrize("stored", ["png", "jpeg 95", "jpeg 75"])
@pytest.mark.parametrize("name", DRAWN)
def test_what_is_clean_is_found_clean(denoiser: Denoiser, name: str, stored: str) -> None:
    check(denoiser, DRAWN[name](), stored)


@pytest.mark.parametrize("stored", ["png", "jpeg 95", "jpeg 75"])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_clean_photograph_is_found_clean(
    denoiser: Denoiser, shared_data: Path, name: str, stored: str
) -> None:
    samples = images.read(shared_data / "open-photos-2" / name).samples
    top, left = (
        (side - wanted) // 2
        for side, wanted in zip(samples.shape[:2], (HEIGHT, WIDTH), strict=True)
    )
    check(denoiser, samples[top : top + HEIGHT, left : left + WIDTH], stored)
