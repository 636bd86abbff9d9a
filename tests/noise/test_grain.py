"""The grain of film: as strong as asked in middle gray, absent at black and white, and coarse."""

from __future__ import annotations

import torch
from torch import Tensor

from flowdenoise.noise import grain
from flowdenoise.system import random_streams
from flowdenoise.system.random_streams import Draws

DRAWS = Draws(random_streams.fold(torch.arange(40), 9))
LEVELS = torch.full((40,), 0.05)


def of_flat(value: float, stream: int = 256) -> Tensor:
    """The grain alone in flat pictures of one value, (40, 3, 64, 64)."""
    flat = torch.full((40, 3, 64, 64), value)
    return grain.add_grain(flat, LEVELS, DRAWS, stream, widest=1.0) - value


def test_grain_has_its_level_in_middle_gray_and_is_weaker_elsewhere() -> None:
    middle, dark = (of_flat(value).std((1, 2, 3)) for value in (0.5, 0.1))
    assert torch.allclose(middle, LEVELS, rtol=0.02)
    assert (dark <= middle + 1e-6).all()
    assert dark.min() < 0.6 * middle.min()


def test_black_and_white_have_no_grain() -> None:
    for value in (0.0, 1.0):
        assert of_flat(value).abs().max() == 0


def test_half_of_the_films_are_without_color_and_others_have_some() -> None:
    noise = of_flat(0.5)
    color = (noise - noise.mean(1, keepdim=True)).std((1, 2, 3)) / noise.std((1, 2, 3))
    without = color < 1e-5
    assert 0.25 < without.float().mean() < 0.75
    assert color.max() > 0.5


def test_grains_are_up_to_several_pixels_wide() -> None:
    noise = of_flat(0.5).mean(1)
    neighbors = (noise[..., 1:] * noise[..., :-1]).mean((1, 2)) / noise.square().mean((1, 2))
    assert neighbors.min() < 0.05
    assert neighbors.max() > 0.6


def test_another_stream_gives_other_noise_of_the_same_film() -> None:
    first, second = of_flat(0.5), of_flat(0.5, 272)
    alike = (first * second).mean((1, 2, 3)) / first.square().mean((1, 2, 3))
    assert alike.abs().max() < 0.2
    assert torch.allclose(first.std((1, 2, 3)), second.std((1, 2, 3)), rtol=0.1)
