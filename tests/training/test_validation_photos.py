"""Pairs that a denoiser of photographs is measured on, real and simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowdenoise import metrics
from flowdenoise.data.sources import DataConfig, Sources
from flowdenoise.errors import DataError
from flowdenoise.noise import camera
from flowdenoise.training.validation_photos import validation_photos


def write(file: Path, height: int, width: int, noise: float = 0.0) -> None:
    slope = np.linspace(40, 200, width)[None, :, None].repeat(height, 0).repeat(3, 2)
    noisy = slope + noise * np.random.default_rng(0).normal(size=slope.shape)
    Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8)).save(file)


def sources(folder: Path) -> Sources:
    return Sources(DataConfig(validation=(str(folder),)))


def test_names_tell_real_pairs_from_pictures_that_cameras_are_simulated_on(tmp_path: Path) -> None:
    write(tmp_path / "shot_real.png", 300, 53, noise=25.5)
    write(tmp_path / "shot_mean.png", 300, 53)
    write(tmp_path / "alone.png", 70, 90)
    write(tmp_path / "small.png", 30, 90)
    photos = validation_photos(sources(tmp_path), smallest=32, stride=4)
    assert list(photos) == ["pairs", *camera.CAMERAS]
    ((noisy, clean),) = photos["pairs"]
    assert noisy.shape == clean.shape == (3, 256, 48)
    assert metrics.psnr(noisy, clean) == pytest.approx(20.0, abs=0.3)
    for name in camera.CAMERAS:
        ((noisy, quiet),) = photos[name]
        assert noisy.shape == quiet.shape == (3, 64, 88)
        assert 10 < metrics.psnr(noisy, quiet) < 60
    again = validation_photos(sources(tmp_path), smallest=32, stride=4)
    assert again["phone"][0][0].equal(photos["phone"][0][0])


def test_pairs_of_equal_names_in_several_folders_are_not_mixed_up(tmp_path: Path) -> None:
    for name, noise in (("one", 12.75), ("two", 25.5)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "shot_noisy.png", 300, 300, noise)
        write(tmp_path / name / "shot_clean.png", 300, 300)
    photos = validation_photos(sources(tmp_path), smallest=32, stride=4)
    assert list(photos) == ["pairs"]
    levels = [metrics.psnr(noisy, clean) for noisy, clean in photos["pairs"]]
    assert levels == pytest.approx([26.0, 20.0], abs=0.3)


def test_of_many_clean_pictures_the_first_are_photographed(tmp_path: Path) -> None:
    for index in range(3):
        write(tmp_path / f"{index}.png", 40, 40 + 8 * index)
    photos = validation_photos(sources(tmp_path), smallest=32, stride=2, most=2)
    assert [noisy.shape[2] for noisy, _ in photos["phone"]] == [40, 48]


def test_the_truth_may_be_the_mean_of_many_shots(tmp_path: Path) -> None:
    """It is nearer to the light than a shot is, and not the photograph of no noise."""
    write(tmp_path / "alone.png", 64, 64)
    place = sources(tmp_path)
    ((noisy, quiet),) = validation_photos(place, smallest=32, stride=4)["phone"]
    ((same, mean),) = validation_photos(place, smallest=32, stride=4, shots=16)["phone"]
    assert same.equal(noisy)
    assert metrics.psnr(noisy, quiet) + 6 < metrics.psnr(mean, quiet) < 60


def test_nothing_is_measured_where_nothing_is_named() -> None:
    assert validation_photos(Sources(DataConfig(paths=("somewhere",))), 32, 2) == {}


def test_a_pair_of_different_sizes_is_none(tmp_path: Path) -> None:
    write(tmp_path / "shot_noisy.png", 40, 40)
    write(tmp_path / "shot_clean.png", 40, 41)
    with pytest.raises(DataError, match="are of different sizes"):
        validation_photos(sources(tmp_path), smallest=32, stride=2)
