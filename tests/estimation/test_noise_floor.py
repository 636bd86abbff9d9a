"""The noise floor: what the quietest places of a picture tell, and what they do not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.estimation.noise_floor import (
    NoiseFloor,
    is_inside,
    noise_floor,
    raised,
    squares_of,
)
from flowdenoise.networks import measured

SIDE = 288
ONE_BAND = torch.zeros(SIDE // 8, SIDE // 8, dtype=torch.int64)
ALL = torch.ones(SIDE // 8, SIDE // 8, dtype=torch.bool)


def soft() -> Tensor:
    """A picture of soft colors, (1, 3, SIDE, SIDE)."""
    place = torch.linspace(0, 3, SIDE)
    waves = torch.sin(place[:, None]) * place.cos()
    return 0.5 + 0.05 * torch.stack([waves, waves.mT, -waves])[None]


def coarse_noise(level: float, seed: int = 0) -> Tensor:
    """Noise whose neighbors are alike, as a camera leaves it, (1, 3, SIDE, SIDE)."""
    white = torch.randn(1, 3, SIDE + 2, SIDE + 2, generator=torch.Generator().manual_seed(seed))
    return level * 2.2 * F.avg_pool2d(white, 3, 1)


def floor_of(picture: Tensor) -> NoiseFloor:
    found = noise_floor(squares_of(picture)[0], ONE_BAND, ALL, 1, channels=3)
    assert found is not None
    return found


@pytest.mark.parametrize("level", [5 / 255, 8 / 255, 25 / 255])
def test_noise_that_covers_a_picture_is_found_with_its_levels(level: float) -> None:
    noise = coarse_noise(level)
    floor = floor_of(soft() + noise)
    assert floor.is_noise
    truth = measured(noise).mean((0, 2, 3)).sqrt()
    assert ((floor.levels[0] / truth > 0.9) & (floor.levels[0] / truth < 1.5)).all()


def test_noise_of_brightness_alone_is_found() -> None:
    noise = coarse_noise(6 / 255).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    floor = floor_of(soft() + noise)
    assert floor.is_noise
    assert floor.levels[0, 2:].max() < 0.4 * floor.levels[0, :2].min()


def grain(level: float, blur: int) -> Tensor:
    """Noise of brightness whose grains are `blur` pixels wide, (1, 3, SIDE, SIDE)."""
    white = torch.randn(1, 1, SIDE + 16, SIDE + 16, generator=torch.Generator().manual_seed(3))
    coarse = F.avg_pool2d(F.avg_pool2d(white, blur, 1), blur, 1)[..., :SIDE, :SIDE]
    return (level * coarse / coarse.std()).expand(-1, 3, -1, -1)


@pytest.mark.parametrize(("level", "blur"), [(6 / 255, 3), (25 / 255, 3), (25 / 255, 4)])
def test_grain_coarser_than_noise_of_a_sensor_is_told_from_texture(
    level: float, blur: int
) -> None:
    floor = floor_of(soft() + grain(level, blur))
    assert floor.is_grain
    truth = measured(grain(level, blur)).mean((0, 2, 3)).sqrt()
    assert (
        (floor.levels[0, :2] / truth[:2] > 0.8) & (floor.levels[0, :2] / truth[:2] < 1.5)
    ).all()
    part = soft()
    part[..., : SIDE // 3] += grain(level, blur)[..., : SIDE // 3]
    assert not floor_of(part).is_grain


@pytest.mark.parametrize("level", [0.5 / 255, 2 / 255, 8 / 255])
def test_a_gray_picture_is_judged_as_its_brightness_in_color_is(level: float) -> None:
    gray = soft()[:, :1] + coarse_noise(level)[:, :1]
    floors = [
        noise_floor(squares_of(picture)[0], ONE_BAND, ALL, 1, channels=picture.shape[1])
        for picture in (gray, gray.expand(-1, 3, -1, -1))
    ]
    alone, of_three = (floor for floor in floors if floor is not None)
    assert (alone.is_noise, alone.agrees) == (of_three.is_noise, of_three.agrees)
    assert alone.is_noise == (level > 1 / 255)
    assert torch.allclose(3**0.5 * alone.levels[:, :2], of_three.levels[:, :2], rtol=1e-4)
    assert torch.equal(alone.levels[:, 2:], alone.levels[:, :2])


def pattern() -> Tensor:
    """A weave: the same everywhere."""
    place = torch.arange(SIDE)
    return 0.5 + 0.05 * ((place[:, None] + place) % 2).expand(1, 3, -1, -1)


def texture() -> Tensor:
    """Texture as fine as noise, but of a strength that differs from place to place."""
    strength = F.interpolate(
        torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)), size=SIDE
    )
    return 0.5 + strength * coarse_noise(25 / 255)


@pytest.mark.parametrize(
    "picture", [soft(), pattern(), texture()], ids=["soft", "weave", "texture"]
)
def test_a_clean_picture_has_no_floor_of_noise(picture: Tensor) -> None:
    floor = floor_of(picture)
    assert not floor.is_noise
    assert not floor.is_grain


def test_a_noisy_part_is_not_enough() -> None:
    picture = soft()
    picture[..., : SIDE // 3] += coarse_noise(8 / 255)[..., : SIDE // 3]
    assert not floor_of(picture).is_noise


@pytest.mark.parametrize(("share", "told"), [(0.3, True), (0.7, False)])
def test_places_that_tell_little_do_not_count_if_they_are_few(share: float, told: bool) -> None:
    bands, side = ONE_BAND.clone(), round(share * SIDE / 8)
    bands[:, :side] = 1
    picture = soft() + coarse_noise(8 / 255)
    picture[..., : 8 * side] = texture()[..., : 8 * side]
    floor = noise_floor(squares_of(picture)[0], bands, ALL, 2, channels=3)
    assert floor is not None
    assert floor.is_noise == told


def test_each_brightness_has_a_floor_of_its_own() -> None:
    bands = ONE_BAND.clone()
    bands[:, SIDE // 16 :] = 2
    noise = coarse_noise(4 / 255)
    noise[..., SIDE // 2 :] *= 3
    floor = noise_floor(squares_of(0.5 + noise)[0], bands, ALL, 4, channels=3)
    assert floor is not None
    assert floor.is_noise
    assert floor.levels.shape == (4, 4)
    ratio = floor.levels[2] / floor.levels[0]
    assert torch.allclose(ratio, torch.full((4,), 3.0), rtol=0.25)
    levels = torch.full((4, *bands.shape), 1 / 255)
    assert torch.equal(raised(levels, floor, bands, 0.0), levels)
    full = raised(levels, floor, bands, 1.0)
    assert torch.allclose(full[:, 5, 2], floor.levels[0])
    assert torch.allclose(full[:, 5, -2], floor.levels[2])


def test_what_was_not_looked_at_does_not_count() -> None:
    squares = squares_of(soft() + coarse_noise(8 / 255))[0]
    some = torch.zeros_like(ALL)
    some[:, :4] = True  # a ninth
    found = [
        noise_floor(squares, ONE_BAND, some, 1, looked, channels=3) for looked in (1.0, 1 / 9)
    ]
    assert [floor is not None and floor.is_noise for floor in found] == [False, True]


def white_noise(level: float) -> Tensor:
    """Noise as fine as texture, (1, 3, SIDE, SIDE)."""
    return level * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("noise", "smallest"),
    [(coarse_noise(8 / 255), 128), (coarse_noise(40 / 255), SIDE), (white_noise(8 / 255), SIDE)],
    ids=["weak", "strong", "fine"],
)
def test_in_a_small_picture_texture_may_be_everywhere_but_not_as_coarse_and_weak(
    noise: Tensor, smallest: int
) -> None:
    for side in (SIDE, 256, 128, 120):
        noisy = (soft() + noise)[..., :side, :side]
        bands = torch.zeros(side // 8, side // 8, dtype=torch.int64)
        floor = noise_floor(squares_of(noisy)[0], bands, bands == 0, 1, channels=3)
        assert floor is not None
        assert floor.is_noise == (side >= smallest)


def test_too_few_cells_tell_nothing() -> None:
    few = torch.zeros_like(ALL)
    few[:3, :3] = True
    assert noise_floor(squares_of(soft())[0], ONE_BAND, few, 1, channels=3) is None


def test_cells_with_values_at_an_end_of_the_range_are_not_inside() -> None:
    picture = torch.full((1, 3, 16, 24), 0.5)
    picture[0, 1, 3, 12], picture[0, 2, 9, 20] = 1.0, 0.0
    assert is_inside(picture)[0, 0].tolist() == [[True, False, True], [True, True, False]]


def test_no_noise_of_brightness_is_without_color() -> None:
    levels = torch.tensor([[8.0, 20.0, 0.0, 0.0]]) / 255
    cells = torch.full((4, *ONE_BAND.shape), 0.1 / 255)
    full = raised(
        cells, NoiseFloor(levels, is_noise=True, agrees=True, is_grain=False), ONE_BAND, 1.0
    )
    assert torch.allclose(full[:2, 5, 5], levels[0, :2])
    assert torch.allclose(full[2:, 5, 5], 0.2 * levels[0, :2])
