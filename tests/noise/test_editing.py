"""Edits after the camera: what they keep, and that a key decides all of them."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest
import torch
from torch import Tensor

from flowdenoise.noise import editing
from flowdenoise.noise.editing import EditConfig
from flowdenoise.system import random_streams

KEYS = random_streams.fold(torch.arange(8), 5)


def pictures(side: int = 32) -> Tensor:
    """Eight pictures, (8, 3, side, side) in [0, 1]."""
    return torch.rand(8, 3, side, side, generator=torch.Generator().manual_seed(3))


def only(**changes: tuple[float, float]) -> EditConfig:
    """All edits are done, but only those that are named change anything."""
    none = {"exposure": (1.0, 1.0), "gamma": (1.0, 1.0), "contrast": (1.0, 1.0)}
    none |= {"curve": (0.0, 0.0), "saturation": (1.0, 1.0), "sharpening": (0.0, 0.0)}
    return EditConfig(each=1.0, **{**none, **changes})


@pytest.mark.parametrize("config", [EditConfig(each=0.0), only()], ids=["none done", "neutral"])
def test_without_an_edit_a_picture_is_itself(config: EditConfig) -> None:
    clean = pictures()
    assert torch.allclose(editing.edit(clean, KEYS, config), clean, atol=1e-4)


def test_a_key_decides_the_edits_whatever_the_batch() -> None:
    config, clean = EditConfig(each=0.7), pictures()
    together = editing.edit(clean, KEYS, config)
    alone = torch.cat(
        [editing.edit(clean[i : i + 1], KEYS[i : i + 1], config) for i in range(len(KEYS))]
    )
    assert torch.allclose(together, alone, atol=1e-6)
    assert not torch.allclose(together[:1], editing.edit(clean[:1], KEYS[1:2], config), atol=1e-3)


@hypothesis.given(st.integers(0, 10_000))
def test_edited_pictures_stay_in_range(seed: int) -> None:
    keys = random_streams.fold(torch.arange(8), seed)
    edited = editing.edit(pictures(8), keys, EditConfig(each=1.0))
    assert edited.min() >= 0
    assert edited.max() <= 1


def test_each_edit_does_what_it_says() -> None:
    clean = 0.2 + 0.5 * pictures()

    def spread(edited: Tensor) -> Tensor:
        return (edited - edited.mean(1, keepdim=True)).std()

    def edges(edited: Tensor) -> Tensor:
        return edited.diff(dim=3).abs().mean()

    brighter = editing.edit(clean, KEYS, only(exposure=(2.0, 2.0)))
    assert (brighter >= clean - 1e-5).all()
    darker = editing.edit(clean, KEYS, only(gamma=(2.0, 2.0)))
    assert torch.allclose(darker, clean.square(), atol=1e-4)
    steeper = editing.edit(clean, KEYS, only(contrast=(1.5, 1.5)))
    assert torch.allclose(steeper, (1.5 * clean - 0.25).clamp(0, 1), atol=1e-4)
    curved = editing.edit(clean, KEYS, only(curve=(1.0, 1.0)))
    assert torch.allclose(curved, clean.square() * (3 - 2 * clean), atol=1e-4)
    gray = editing.edit(clean, KEYS, only(saturation=(0.0, 0.0)))
    assert spread(gray) < 1e-4 < spread(clean)
    assert torch.allclose(gray.mean(1), clean.mean(1), atol=1e-4)
    sharp = editing.edit(clean, KEYS, only(sharpening=(1.0, 1.0)))
    assert edges(sharp) > 1.2 * edges(clean)


@pytest.mark.parametrize("factor", [0.5, 0.77, 1.0, 1.6])
def test_a_resized_ramp_is_a_ramp_of_another_slope(factor: float) -> None:
    ramp = torch.linspace(0.1, 0.9, 128).expand(1, 3, 128, 128)
    resized = editing.resize(ramp, torch.tensor([factor]), 64)
    assert resized.shape == (1, 3, 64, 64)
    slope = float(resized[..., -1].mean() - resized[..., 0].mean()) / 63
    assert slope == pytest.approx(0.8 / 127 * 128 / round(128 * factor), rel=0.02)
    assert abs(float(resized.mean()) - 0.5) < 0.01


def test_a_reduced_picture_has_no_aliases() -> None:
    columns = torch.arange(128).remainder(2).float().expand(1, 1, 128, 128)
    resized = editing.resize(columns, torch.tensor([0.5]), 64)
    assert resized.std() < 0.02
