"""Photographs whose mosaic is not where networks learned it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor

from flowdenoise import Denoiser, images, metrics
from flowdenoise.engine.tiles.in_phase import in_phase, self_ensemble_in_phase, turned_phase
from flowdenoise.images import Picture, quantize
from flowdenoise.images.turns import WAYS, turn
from flowdenoise.noise import camera

EXAMPLES = Path(__file__).parents[2] / "examples"
PHASES = list(product((0, 1), (0, 1)))


def marked(phase: tuple[int, int]) -> Tensor:
    """An image that is 1 where its mosaic is red, (1, 1, 8, 12)."""
    image = torch.zeros(1, 1, 8, 12)
    image[..., phase[0] :: 2, phase[1] :: 2] = 1
    return image


def only_in_phase(image: Tensor) -> Tensor:
    """A denoiser that doubles what it sees and insists on its mosaic and its stride."""
    height, width = image.shape[2:]
    assert height % 4 == width % 4 == 0
    red = torch.zeros_like(image)
    red[..., ::2, ::2] = 1
    assert torch.equal(image, red)
    return 2 * image


@pytest.mark.parametrize("phase", PHASES)
def test_a_denoiser_sees_each_mosaic_where_it_learned_it(phase: tuple[int, int]) -> None:
    image = marked(phase)
    assert torch.equal(in_phase(only_in_phase, image, phase, 4), 2 * image)


@pytest.mark.parametrize("phase", PHASES)
def test_all_turns_of_an_ensemble_show_the_mosaic_where_it_was_learned(
    phase: tuple[int, int],
) -> None:
    image = marked(phase)
    assert torch.equal(self_ensemble_in_phase(only_in_phase, image, phase, 4), 2 * image)


@pytest.mark.parametrize(("phase", "way"), list(product(PHASES, WAYS)))
def test_where_red_is_after_a_turn(phase: tuple[int, int], way: int) -> None:
    down, across = turned_phase(phase, way)
    assert turn(marked(phase), way)[0, 0, down::2, across::2].all()


@pytest.fixture(scope="module")
def photo() -> tuple[Tensor, Tensor]:
    """A photograph by a phone and the truth, (1, 3, h, w)."""
    clean = images.read(EXAMPLES / "cat.png").tensor()[..., :192, :192]
    key, shot = torch.tensor([5]), torch.tensor([6e-3])
    phone = camera.CAMERAS["phone"]
    noisy, truth = (
        camera.simulate(clean, key, phone, shot, noise=noise).picture for noise in (1.0, 0.0)
    )
    return noisy, truth


def result(denoiser: Denoiser, photo: Tensor) -> Tensor:
    return denoiser.denoise_picture(
        Picture(quantize(photo.contiguous(), "uint8"))
    ).picture.tensor()


@pytest.mark.parametrize("cut", [(0, 1), (1, 0), (1, 1)])
def test_a_photograph_that_lacks_a_row_or_a_column_is_denoised_nearly_as_well(
    photo: tuple[Tensor, Tensor], cut: tuple[int, int]
) -> None:
    """It had come out 1.5 dB worse where nothing had looked for its mosaic."""
    denoiser = Denoiser.load()
    rest = tuple(one[..., cut[0] :, cut[1] :] for one in photo)
    whole, part = (
        metrics.psnr(result(denoiser, noisy)[..., 4:-4, 4:-4], truth[..., 4:-4, 4:-4])
        for noisy, truth in (photo, rest)
    )
    assert part > whole - 0.1


def test_the_mean_of_turns_of_a_photograph_is_no_worse_than_one(
    photo: tuple[Tensor, Tensor],
) -> None:
    """It had been, by up to a decibel, as most turns move the mosaic."""
    once, best = (
        metrics.psnr(result(Denoiser.load(effort=effort), photo[0]), photo[1])
        for effort in ("normal", "best")
    )
    assert best > once
