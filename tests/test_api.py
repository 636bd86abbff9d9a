"""`flowdenoise.denoise`: a picture of any kind comes back as it came, or one line says why not."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import flowdenoise
from flowdenoise import Crop
from flowdenoise.errors import ImageError, UsageError

PIXELS = np.random.default_rng(0).normal(128, 25, (24, 40, 3)).clip(0, 255).astype(np.uint8)


def as_bytes(pixels: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels_of(data: bytes) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (PIXELS, np.asarray),
        (as_bytes(PIXELS), pixels_of),
        (Image.fromarray(PIXELS), np.asarray),
        (torch.from_numpy(PIXELS).permute(2, 0, 1), lambda held: held.permute(1, 2, 0).numpy()),
    ],
    ids=["array", "bytes", "Pillow", "tensor"],
)
def test_whatever_holds_a_picture_holds_the_result(
    held: Any, shown: Callable[[Any], np.ndarray[Any, Any]]
) -> None:
    result = flowdenoise.denoise(held, sigma=25 / 255)
    assert type(result) is type(held)
    pixels = shown(result)
    assert (pixels.shape, pixels.dtype) == (PIXELS.shape, np.uint8)
    assert pixels.std() < 0.5 * PIXELS.std()
    part = shown(flowdenoise.denoise(held, sigma=25 / 255, crop=Crop(10, 8, 4, 2)))
    assert np.abs(part.astype(int) - pixels[2:10, 4:14]).max() <= 1
    assert flowdenoise.denoise(held, sigma=0.0) is held


def test_a_tensor_of_floats_and_a_batch_come_back_as_such() -> None:
    noisy = 0.5 + 0.1 * torch.randn(2, 1, 24, 40, generator=torch.Generator().manual_seed(0))
    result = flowdenoise.denoise(noisy.double(), sigma=0.1)
    assert (result.shape, result.dtype) == (noisy.shape, torch.float64)
    assert result.std() < 0.05


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_has_its_result_beside_it_or_where_you_say(
    tmp_path: Path, kind: Callable[[Path], Any]
) -> None:
    photo, given = tmp_path / "photo.png", as_bytes(PIXELS)
    photo.write_bytes(given)
    beside = flowdenoise.denoise(kind(photo), sigma=0.1)
    assert beside == kind(tmp_path / "photo_denoised.png")
    expected = Path(beside).read_bytes()
    other = tmp_path / "other.png"
    assert flowdenoise.denoise(kind(photo), sigma=0.1, output=other) == kind(other)
    assert other.read_bytes() == expected
    part = flowdenoise.denoise(kind(photo), sigma=0.1, crop=Crop(10, 8))
    assert part == kind(tmp_path / "photo_preview.png")
    with pytest.raises(ImageError, match="exists already"):
        flowdenoise.denoise(kind(photo), sigma=0.05)
    flowdenoise.denoise(kind(photo), sigma=0.05, overwrite=True)
    assert Path(beside).read_bytes() != expected
    assert photo.read_bytes() == given


def test_what_can_not_be_done_is_refused(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(as_bytes(PIXELS))
    with pytest.raises(UsageError, match="no such file"):
        flowdenoise.denoise(tmp_path / "nowhere.png", sigma=0.1)
    with pytest.raises(ImageError, match="no input is ever replaced"):
        flowdenoise.denoise(photo, sigma=0.1, output=photo, overwrite=True)
    with pytest.raises(UsageError, match="a picture is a path, bytes"):
        flowdenoise.denoise([1, 2, 3], sigma=0.1)
    with pytest.raises(UsageError, match="25/255"):
        flowdenoise.denoise(PIXELS, sigma=25)
    for setting in ({"output": tmp_path / "new.png"}, {"overwrite": True}):
        with pytest.raises(UsageError, match="given as paths"):
            flowdenoise.denoise(PIXELS, sigma=0.1, **setting)
    assert list(tmp_path.glob("*.png")) == [photo]
