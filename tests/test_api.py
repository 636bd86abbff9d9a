"""`flowdenoise.denoise`: a picture of any kind comes back as it came, or one line says why not."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import flowdenoise
from flowdenoise import Crop, Denoiser, images
from flowdenoise.errors import FlowdenoiseWarning, ImageError, UsageError, WeightsNotFoundError
from flowdenoise.images import Picture
from flowdenoise.noise import camera

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


@pytest.fixture(scope="module")
def photograph() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A photograph as a phone takes it at a high ISO, and without noise."""
    file = Path(__file__).parents[1] / "examples" / "coffee.png"
    clean = torch.from_numpy(images.read_uint8(file, 3)[:192, :256].copy())
    clean = clean.permute(2, 0, 1)[None].float() / 255
    phone, shot = camera.CAMERAS["phone"], torch.tensor([8e-3])
    noisy, truth = (
        camera.simulate(clean, torch.tensor([3]), phone, shot, noise=factor).picture[0]
        for factor in (1.0, 0.0)
    )
    return images.quantize(noisy, "uint8"), images.quantize(truth, "uint8")


def test_a_photograph_loses_its_noise_whatever_numbers_hold_it(
    photograph: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    noisy, truth = photograph
    expected = flowdenoise.denoise(noisy).astype(float)
    before, after = (np.square(one - truth.astype(float)).mean() for one in (noisy, expected))
    assert after < before / 4
    floats = (noisy / 255).astype(np.float32)
    tensor = torch.from_numpy(floats).permute(2, 0, 1)
    for result in (flowdenoise.denoise(floats), flowdenoise.denoise(tensor).permute(1, 2, 0)):
        levels = 255 * np.asarray(result).clip(0, 1)
        assert np.abs(levels - expected).max() <= 2  # of rounding


def test_floats_beyond_white_are_no_photograph(
    photograph: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> None:
    beyond = (photograph[0] / 255).astype(np.float32)
    beyond[0, 0] = 1.001
    assert Denoiser.load().estimate(Picture(beyond)).verdict != "camera"


def test_a_tensor_of_floats_and_a_batch_come_back_as_such() -> None:
    noisy = 0.5 + 0.1 * torch.randn(2, 1, 24, 40, generator=torch.Generator().manual_seed(0))
    result = flowdenoise.denoise(noisy.double(), sigma=0.1)
    assert (result.shape, result.dtype) == (noisy.shape, torch.float64)
    assert result.std() < 0.05


def test_the_order_of_bytes_changes_nothing() -> None:
    samples = PIXELS.astype(np.uint16) * 257
    result = flowdenoise.denoise(samples.astype(">u2"), sigma=0.1)
    assert result.dtype.str == ">u2"
    assert np.array_equal(result, flowdenoise.denoise(samples, sigma=0.1))


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


def animation() -> Image.Image:
    file = io.BytesIO()
    frames = [Image.fromarray(pixels) for pixels in (PIXELS, 255 - PIXELS)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return Image.open(file)


def contents(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, save_all=kind == "GIF")
    return file.getvalue()


def floats() -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, PIXELS * np.float32(3.7), photometric="rgb")
    return file.getvalue()


CMYK = Image.fromarray(PIXELS).convert("CMYK")


LOSSES = {
    "CMYK TIFF": (contents(CMYK, "TIFF"), ["CMYK becomes RGB"]),
    "GIF": (contents(animation(), "GIF"), ["first of 2 frames", "palette", "GIF is not written"]),
    "float TIFF": (floats(), ["black is taken to be 0 and white"]),
    "CMYK": (CMYK, ["CMYK becomes RGB"]),
    "animation": (animation(), ["one of 2 frames", "palette becomes full color"]),
}


@pytest.mark.parametrize(
    ("name", "as_file"),
    [(name, False) for name in LOSSES]
    + [("CMYK TIFF", True), ("GIF", True), ("float TIFF", True)],
)
def test_what_is_lost_or_guessed_is_warned_of(tmp_path: Path, name: str, as_file: bool) -> None:
    held, messages = LOSSES[name]
    if as_file:
        file = tmp_path / "photo"
        file.write_bytes(held)
        held = file
    with pytest.warns(FlowdenoiseWarning) as caught:
        flowdenoise.denoise(held, sigma=0.1)
    for warning, message in zip(caught, messages, strict=True):
        assert message in str(warning.message)
        assert warning.filename == __file__, "a warning points at the caller"


@pytest.mark.parametrize("as_file", [False, True])
def test_a_picture_whose_noise_is_not_known_is_warned_of(tmp_path: Path, as_file: bool) -> None:
    """Single pixels of a smooth picture are wholly black or white."""
    slope = np.linspace(60, 190, 160).astype(np.uint8)[None, :, None].repeat(160, 0).repeat(3, 2)
    specks = np.random.default_rng(2).random((160, 160))
    slope[specks < 0.02], slope[specks > 0.98] = 0, 255
    held: np.ndarray | Path = slope
    if as_file:
        held = tmp_path / "specks.png"
        Image.fromarray(slope).save(held)
    with pytest.warns(FlowdenoiseWarning, match="stays as it is: single pixels"):
        flowdenoise.denoise(held)


def test_nothing_is_lost_where_the_very_picture_comes_back() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert flowdenoise.denoise(CMYK, sigma=0.0) is CMYK


def test_what_can_not_be_done_is_refused(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(as_bytes(PIXELS))
    with pytest.raises(UsageError, match="no such file"):
        flowdenoise.denoise(tmp_path / "nowhere.png", sigma=0.1)
    with pytest.raises(ImageError, match="no input is ever replaced"):
        flowdenoise.denoise(photo, sigma=0.1, output=photo, overwrite=True)
    with pytest.raises(UsageError, match="a picture is a path, bytes"):
        flowdenoise.denoise([1, 2, 3], sigma=0.1)
    with pytest.raises(WeightsNotFoundError, match="no weights file"):
        flowdenoise.denoise(PIXELS, sigma=0.1, model=tmp_path / "color")
    with pytest.raises(UsageError, match="effort must be text"):
        flowdenoise.denoise(PIXELS, sigma=0.1, effort=["best"])
    with pytest.raises(UsageError, match="25/255"):
        flowdenoise.denoise(PIXELS, sigma=25)
    for setting in ({"output": tmp_path / "new.png"}, {"overwrite": True}):
        with pytest.raises(UsageError, match="given as paths"):
            flowdenoise.denoise(PIXELS, sigma=0.1, **setting)
    assert list(tmp_path.glob("*.png")) == [photo]
