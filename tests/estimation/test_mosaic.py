"""Where a photograph's mosaic begins, by its noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from flowdenoise.estimation import LEARNED, Phase, mosaic_phase
from flowdenoise.noise import camera
from flowdenoise.noise.demosaicking import Demosaicking
from flowdenoise.system import random_streams

SIDE = 130


def scene(index: int) -> Tensor:
    """A scene of waves, (1, 3, SIDE, SIDE)."""
    place = torch.linspace(0, 5 + index, SIDE)
    waves = torch.sin(place[:, None] + index) * torch.cos(place)
    return 0.5 + 0.3 * torch.stack([waves, waves.mT, -waves])[None]


def shot(index: int, *methods: Demosaicking) -> Tensor:
    """A photograph by a phone that smooths nothing."""
    config = replace(camera.CAMERAS["phone"], smoothed=0)
    if methods:
        config = replace(config, demosaicking=methods)
    key = random_streams.fold(torch.tensor([index]), 5)
    return camera.simulate(scene(index), key, config, torch.tensor([4e-3])).picture


@pytest.mark.parametrize("index", range(6))
def test_a_photograph_that_begins_like_those_that_were_learned_is_left_as_it_is(
    index: int,
) -> None:
    assert mosaic_phase(shot(index)) == LEARNED
    assert mosaic_phase(shot(index)[..., 2:, 2:]) == LEARNED


@pytest.mark.parametrize("index", range(6))
def test_a_missing_row_or_column_puts_green_on_the_other_diagonal(index: int) -> None:
    photo = shot(index)
    assert mosaic_phase(photo[..., 1:]) in ((0, 1), (1, 0))
    assert mosaic_phase(photo[..., 1:, :]) in ((0, 1), (1, 0))


@pytest.mark.parametrize("method", ["linear", "edges", "opencv"])
@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_red_and_blue_are_told_apart_however_colors_were_made(
    method: Demosaicking, phase: Phase
) -> None:
    photos = [shot(index, method)[..., phase[0] :, phase[1] :] for index in range(6)]
    assert [mosaic_phase(photo) for photo in photos] == [phase] * 6


@pytest.mark.parametrize("index", [2, 5])
def test_what_was_mostly_cut_off_tells_nothing_of_red_and_blue(index: int) -> None:
    photo = shot(index, "edges")[..., 1:, 1:]
    assert mosaic_phase(photo) == (1, 1)
    assert mosaic_phase((4 * photo - 1.5).clamp(0, 1)) == LEARNED


@pytest.mark.parametrize("index", [1, 2, 5])
def test_what_is_hardly_noise_tells_nothing_of_red_and_blue(index: int) -> None:
    photo = shot(index, "edges")[..., 1:, 1:]
    assert mosaic_phase(photo) == (1, 1)
    assert mosaic_phase(0.1 + 0.02 * photo) == LEARNED


@pytest.mark.parametrize("missing", [0, 1])
def test_what_has_no_mosaic_is_left_as_it_is(missing: int) -> None:
    generator = torch.Generator().manual_seed(3)
    white = scene(0) + 0.1 * torch.randn(1, 3, SIDE, SIDE, generator=generator)
    assert mosaic_phase(white[..., missing:]) == LEARNED
    assert mosaic_phase(torch.full((1, 3, 64, 64), 0.5)) == LEARNED
    half = torch.nn.functional.avg_pool2d(shot(1)[..., missing:], 2)
    assert mosaic_phase(half) == LEARNED


def test_windows_are_looked_at_together() -> None:
    photo = shot(2)[..., 1:]
    parts = torch.cat([photo[..., :64, :64], photo[..., 64:128, 64:128]])
    assert mosaic_phase(parts) == mosaic_phase(photo)
