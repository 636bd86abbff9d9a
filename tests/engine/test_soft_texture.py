"""Texture of soft pictures and coarse noise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flowdenoise.engine import Denoiser
from flowdenoise.engine.trial.soft_texture import SoftTexture
from flowdenoise.estimation import NoiseMaps
from flowdenoise.estimation.estimators import Estimators
from flowdenoise.images import Picture, quantize
from flowdenoise.images.metadata import Metadata
from flowdenoise.noise import camera
from flowdenoise.weights import load

CPU = torch.device("cpu")
EXAMPLES = Path(__file__).parents[2] / "examples"
FUR = (0, 0, 224, 224)  # of the cat


@cache
def estimators() -> Estimators:
    sources = {
        channels: lambda name=f"noise-map-{name}": load(name).network
        for channels, name in ((1, "gray"), (3, "color"))
    }
    return Estimators({}, sources, CPU)


@cache
def denoiser() -> Denoiser:
    return Denoiser.load()


def enlarged(factor: float, mode: str = "RGB") -> Picture:
    part = Image.open(EXAMPLES / "cat.png").convert(mode).crop(FUR)
    size = (round(factor * part.width), round(factor * part.height))
    larger = np.asarray(part.resize(size, Image.Resampling.BICUBIC))
    return Picture(larger.reshape(*larger.shape[:2], -1))


def photographed(clean: Picture) -> Picture:
    config = replace(camera.CAMERAS["reflex"], shot=(2e-3, 3e-3))
    photo = camera.simulate(clean.tensor(), torch.tensor([3]), config).picture[0]
    return Picture(quantize(photo, np.uint8))


def coarse(picture: Picture, grain: float = 2.0) -> NoiseMaps:
    cells = (picture.height // 8, picture.width // 8)
    levels = torch.tensor([1.0, grain, 1.0, grain])[:, None, None].expand(-1, *cells)
    return NoiseMaps(levels / 255, torch.full(cells, 0.5), "camera", 0.9)


def taken(picture: Picture, grain: float = 2.0) -> bool:
    return SoftTexture(estimators(), CPU).was_taken(picture, coarse(picture, grain))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_texture_of_an_enlarged_picture_is_told_from_a_camera_s_noise(mode: str) -> None:
    soft = enlarged(2, mode)
    assert taken(soft)
    noisy = photographed(enlarged(2))
    if mode == "L":
        luma = np.asarray(Image.fromarray(noisy.samples).convert("L"))
        noisy = Picture(luma[..., None])
    assert not taken(noisy)


def test_a_sharp_picture_is_not_asked_nor_is_noise_of_fine_grain() -> None:
    assert not taken(enlarged(1))
    assert not taken(enlarged(2), grain=1.2)


def test_the_color_of_bars_and_windows_without_detail_tell_nothing() -> None:
    soft = enlarged(2).samples
    barred = np.zeros((soft.shape[0] + 64, *soft.shape[1:]), soft.dtype)
    barred[32:-32] = soft
    assert taken(Picture(barred))
    assert not taken(Picture(np.full_like(soft, 90)))
    assert not taken(Picture(soft[:16]))


def test_an_enlarged_clean_picture_stays_as_it_is() -> None:
    soft = enlarged(2)
    done = denoiser().denoise_picture(soft)
    assert done.estimate is not None
    assert done.estimate.verdict == "clean"
    assert done.picture.samples.tobytes() == soft.samples.tobytes()


def test_a_high_iso_tells_more_than_what_looks_like_texture() -> None:
    exif = Image.Exif()
    exif.get_ifd(34665)[34855] = 25600
    metadata = Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    assert denoiser().estimate(replace(enlarged(2), metadata=metadata)).verdict == "camera"
