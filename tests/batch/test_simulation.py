"""Simulated photographs: in strips as in one piece, and of the kind that the picture is of."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from flowdenoise.batch import SimulationConfig, simulate_picture, simulation
from flowdenoise.errors import UsageError
from flowdenoise.images import Picture
from flowdenoise.noise import camera
from flowdenoise.noise.demosaicking import METHODS, Demosaicking
from flowdenoise.system import random_streams

CONFIG = SimulationConfig(iso=1600, seed=4)


def waves(height: int, width: int, channels: int = 3, dtype: type = np.uint8) -> Picture:
    y, x = np.mgrid[0:height, 0:width]
    planes = [0.5 + 0.3 * np.sin(x / (5 + c) + y / 9) for c in range(channels)]
    return Picture((np.stack(planes, 2) * np.iinfo(dtype).max).astype(dtype))


@pytest.mark.parametrize("demosaicking", [None, "opencv"])
@pytest.mark.parametrize("kind", list(camera.CAMERAS))
def test_strips_are_the_photograph_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, kind: camera.Camera, demosaicking: Demosaicking | None
) -> None:
    picture, config = waves(150, 64), replace(CONFIG, camera=kind, demosaicking=demosaicking)
    shot = torch.tensor([config.gain])
    keys = random_streams.fold(torch.tensor([0]), config.seed)
    whole = camera.simulate(picture.tensor(), keys, config.kind, shot).picture
    monkeypatch.setattr(simulation, "_STRIP", 48 * 64)
    strips = simulate_picture(picture, config).tensor()
    different = (strips - whole).abs()
    assert different.max() < 1.5 / 255
    assert (different > 0).float().mean() < 0.001


@pytest.mark.parametrize(
    ("height", "width", "channels", "dtype"),
    [(1, 1, 3, np.uint8), (33, 7, 1, np.uint8), (51, 40, 3, np.uint16), (20, 21, 1, np.uint16)],
)
def test_the_photograph_is_of_the_kind_of_its_picture(
    height: int, width: int, channels: int, dtype: type
) -> None:
    picture = waves(height, width, channels, dtype)
    noisy = simulate_picture(picture, CONFIG)
    assert noisy.samples.shape == picture.samples.shape
    assert noisy.samples.dtype == picture.samples.dtype


def test_a_higher_sensitivity_is_noisier_and_a_phone_noisier_than_a_reflex_camera() -> None:
    picture = waves(96, 96)

    def noise(kind: camera.Camera, iso: float) -> float:
        config = SimulationConfig(kind, iso, seed=1)
        quiet = simulate_picture(picture, replace(config, iso=25))
        noisy = simulate_picture(picture, config)
        return float((noisy.tensor() - quiet.tensor()).square().mean())

    assert noise("reflex", 25600) > 2 * noise("reflex", 1600)
    assert noise("phone", 1600) > 2 * noise("reflex", 1600)


def test_another_demosaicking_is_another_photograph_of_the_same_light_and_noise() -> None:
    quiet = replace(CONFIG, camera="reflex", iso=50)
    made = [
        simulate_picture(waves(64, 64), replace(quiet, demosaicking=name)).tensor()
        for name in METHODS
    ]
    for first, second in pairwise(made):
        assert 0 < (first - second).abs().mean() < 0.02


def test_what_is_transparent_stays_as_it_is() -> None:
    picture = waves(32, 32)
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:16] = 255
    noisy = simulate_picture(replace(picture, alpha=alpha), CONFIG)
    assert np.array_equal(noisy.samples[16:], picture.samples[16:])
    assert not np.array_equal(noisy.samples[:16], picture.samples[:16])


def test_a_camera_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="phone, reflex, camera-jpeg"):
        SimulationConfig(camera="film")  # type: ignore[arg-type]
