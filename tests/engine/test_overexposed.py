"""Photographs whose bright places are burnt out, and so quiet, are noisy where they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from flowdenoise import Denoiser, images, metrics
from flowdenoise.images import Picture, as_floats, quantize
from flowdenoise.noise import camera

EXAMPLES = Path(__file__).parents[2] / "examples"
PHONE = replace(camera.CAMERAS["phone"], smoothed=0.0)


def example(name: str) -> Tensor:
    """The middle 256x256 of an example picture, (3, 256, 256)."""
    pixels = images.read_uint8(EXAMPLES / f"{name}.png", 3)
    top, left = ((side - 256) // 2 for side in pixels.shape[:2])
    return as_floats(torch.tensor(pixels[top : top + 256, left : left + 256]).permute(2, 0, 1))


def stripes() -> Tensor:
    """Slanted stripes, dark and bright in turns, (3, 256, 256)."""
    place = torch.arange(256)
    bright = (place[None] + place[:, None] // 3) % 96 < 48
    return (0.2 + 0.7 * bright.float()).expand(3, 256, 256)


@pytest.mark.parametrize(
    ("scene", "key"),
    [(example("coffee"), 1), (example("cat"), 2), (stripes(), 1)],
    ids=["coffee", "cat", "stripes"],
)
def test_a_photograph_that_is_burnt_out_in_places_is_not_called_clean(
    scene: Tensor, key: int
) -> None:
    noisy, truth = (
        camera.simulate(
            scene[None],
            torch.tensor([key]),
            PHONE,
            torch.tensor([8e-3]),
            noise=noise,
            light=torch.tensor([8.0]),
        ).picture
        for noise in (1.0, 0.0)
    )
    assert (truth == 1).all(1).float().mean() > 0.2  # of all pixels are burnt out
    result = Denoiser.load().denoise_picture(Picture(quantize(noisy, "uint8")))
    assert result.estimate.verdict == "camera"
    assert metrics.psnr(result.picture.tensor(), truth) > metrics.psnr(noisy, truth) + 4
