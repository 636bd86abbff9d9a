"""A picture that was brought to a few values is left alone, however it was dithered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from flowdenoise import Denoiser
from flowdenoise.estimation.white_noise import dithered_below
from flowdenoise.images import Picture

SIDE = 256
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)
RAMP = (40 + 0.6 * COLUMNS + 0.1 * ROWS)[..., None]


def ordered(steps: int) -> np.ndarray:
    """A ramp in few values, by an ordered dither."""
    cell = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16
    tiled = np.tile(cell, (SIDE // 4, SIDE // 4))[..., None]
    return np.floor(RAMP / 255 * steps + tiled) * (255 / steps)


def scattered() -> np.ndarray:
    """A ramp in four values, by a random dither."""
    random = np.random.default_rng(5).random(RAMP.shape)
    return np.floor(RAMP / 255 * 3 + random) * 85


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [lambda: ordered(5), lambda: ordered(31), scattered])
def test_dither_stays(make: Callable[[], np.ndarray], channels: int) -> None:
    tint = np.array([1.0, 0.9, 0.8])[:channels]
    picture = Picture((make().round() * tint).round().astype(np.uint8))
    result = Denoiser.load(device="cpu", precision="float32").denoise_picture(picture)
    assert result.picture is picture, (result.estimate, 255 * result.sigma)


def test_half_of_a_step_can_be_dither() -> None:
    few = np.array([0, 51, 102, 255], np.uint8).repeat(64).reshape(16, 16, 1)
    assert dithered_below(Picture(few)) == pytest.approx(25.5 / 255)
    assert dithered_below(Picture(few / np.float32(255))) == pytest.approx(25.5 / 255)
    one_odd = few.copy()
    one_odd[3, 3] = 52
    assert dithered_below(Picture(one_odd)) == pytest.approx(0.5 / 255)
    assert dithered_below(Picture(np.full((9, 9, 3), 7, np.uint8))) == 0
