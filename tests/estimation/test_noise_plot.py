"""The drawing of noise maps: it shows where the noise is."""

from __future__ import annotations

import pytest
import torch

from flowdenoise.estimation import NoiseMaps, noise_plot


@pytest.mark.parametrize(("height", "width"), [(40, 60), (3, 200), (500, 2)])
def test_the_noisy_half_of_a_picture_is_bright_and_the_rest_is_dark(
    height: int, width: int
) -> None:
    levels = torch.full((4, height, width), 0.1 / 255)
    levels[:, :, width // 2 :] = 20 / 255
    brightness = torch.linspace(0, 1, width).expand(height, width)
    pixels = noise_plot.draw(NoiseMaps(levels, brightness, "camera", 0.9)).pixels()
    scale = 360 / max(height, width)
    row = 26 + int(scale * height / 2)
    quiet, loud = (24 + int(scale * width * share) for share in (0.25, 0.75))
    assert pixels[row, quiet].max() < 60
    assert pixels[row, loud].max() > 200
