"""A camera's tone curve is told by how strong its noise is in dark and in bright places."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from flowdenoise.engine.trial.contrast import contrast_of
from flowdenoise.noise import sensor
from flowdenoise.noise.tone import tone


def ramp(contrast: float, shot: float, read: float) -> tuple[Tensor, Tensor]:
    """Light from dark to bright behind a curve, of 8 bits: with a sensor's noise, and without."""
    light = torch.linspace(0.01, 0.85, 400).square().expand(1, 3, 400, -1)
    unit = torch.randn(light.shape, generator=torch.Generator().manual_seed(0))
    noisy = light + sensor.noise(unit, light, torch.tensor([shot]), torch.tensor([read]))
    curve = torch.tensor([contrast])
    return (255 * tone(noisy, curve)).round() / 255, tone(light, curve)


@given(st.floats(0.15, 0.6), st.floats(1e-3, 6e-3), st.floats(0, 1e-4))
@settings(max_examples=30, deadline=None)
def test_noise_tells_the_curve(contrast: float, shot: float, read: float) -> None:
    assert contrast_of(*ramp(contrast, shot, read)) == pytest.approx(contrast, abs=0.11)


@given(st.floats(0, 0.15), st.floats(1e-3, 6e-3), st.floats(0, 1e-4))
@settings(max_examples=20, deadline=None)
def test_a_little_contrast_is_what_it_is_or_none(
    contrast: float, shot: float, read: float
) -> None:
    found = contrast_of(*ramp(contrast, shot, read))
    assert found == 0 or found == pytest.approx(contrast, abs=0.11)


@given(st.floats(1e-3, 6e-3), st.floats(0, 1e-4))
@settings(max_examples=10, deadline=None)
def test_the_curve_of_srgb_is_found_to_have_no_contrast(shot: float, read: float) -> None:
    assert contrast_of(*ramp(0, shot, read)) <= 0.05


def test_a_few_tones_tell_nothing() -> None:
    noisy, clean = (part[..., 200:230] for part in ramp(0.5, 3e-3, 0))
    assert contrast_of(noisy, clean) == 0


def test_what_is_cut_off_or_without_noise_tells_nothing() -> None:
    noisy, clean = ramp(0.5, 3e-3, 0)
    assert contrast_of(noisy, noisy) == 0
    assert contrast_of(torch.zeros_like(noisy), clean) == 0
    assert contrast_of(noisy[..., :4, :4], clean[..., :4, :4]) == 0


def test_it_does_not_matter_how_windows_are_stacked() -> None:
    noisy, clean = (torch.cat(torch.split(part, 100, 2)) for part in ramp(0.4, 3e-3, 1e-5))
    assert noisy.shape == (4, 3, 100, 400)
    assert contrast_of(noisy, clean) == pytest.approx(0.4, abs=0.11)
