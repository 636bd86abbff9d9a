"""Blotches, which are what a denoiser leaves of coarse noise, go in a reduced picture."""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise import weights
from flowdenoise.engine import TileDenoiser
from flowdenoise.engine.remains import REDUCED, without_remains

CPU = torch.device("cpu")
LEVEL = 20 / 255
MAPS = torch.full((1, 2, 256, 256), LEVEL)


@cache
def network() -> TileDenoiser:
    return TileDenoiser.of(weights.load("color-fast").network, CPU, torch.float32)


def clean() -> Tensor:
    """A ramp of brightness before which a disc of another color stands, (1, 3, 256, 256)."""
    place = torch.linspace(-1, 1, 256)
    disc = (place[:, None] ** 2 + place**2 < 0.4).float()
    ramp = 0.5 + 0.2 * place.expand(256, 256)
    return torch.stack([ramp + 0.2 * disc, ramp, ramp - 0.1 * disc])[None]


def blotches() -> Tensor:
    """What is left of noise of `LEVEL`, in grains of four pixels and more."""
    small = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    return F.interpolate(0.2 * LEVEL / REDUCED * small, scale_factor=REDUCED, mode="bicubic")


def energy(part: Tensor) -> float:
    return float(part.square().mean())


def test_most_of_the_blotches_go() -> None:
    left = without_remains(clean() + blotches(), MAPS, network(), 1.0, 1.0) - clean()
    assert energy(left) < 0.7 * energy(blotches())


def test_a_picture_without_blotches_loses_next_to_nothing() -> None:
    lost = without_remains(clean(), MAPS, network(), 1.0, 1.0) - clean()
    assert energy(lost) < 0.25 * energy(blotches())


@pytest.mark.parametrize(("luma", "chroma"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_brightness_and_color_go_apart(luma: float, chroma: float) -> None:
    spotted = clean() + blotches()
    removed = spotted - without_remains(spotted, MAPS, network(), luma, chroma)
    gray = removed.mean(1, keepdim=True)
    assert (energy(gray) > 1e-8) == (luma > 0)
    assert (energy(removed - gray) > 1e-8) == (chroma > 0)


def test_gray_pictures_have_remains_too() -> None:
    gray = TileDenoiser.of(weights.load("gray-fast").network, CPU, torch.float32)
    picture, spots = clean()[:, :1], blotches()[:, :1]
    left = without_remains(picture + spots, MAPS, gray, 1.0, 1.0) - picture
    assert energy(left) < 0.8 * energy(spots)


def test_more_than_all_is_not_removed() -> None:
    spotted = clean() + blotches()
    twice = without_remains(spotted, MAPS, network(), 2.0, 2.0)
    assert torch.equal(twice, without_remains(spotted, MAPS, network(), 1.0, 1.0))


def test_tiles_agree_where_they_overlap() -> None:
    spotted, side = clean() + blotches(), 160
    whole = without_remains(spotted, MAPS, network(), 1.0, 1.0)
    part = without_remains(
        spotted[..., :side, :side], MAPS[..., :side, :side], network(), 1.0, 1.0
    )
    different = (part - whole[..., :side, :side])[..., :112, :112].abs()
    assert 255 * float(different.max()) < 0.25
