"""Every kind that goes in comes out as the same kind: format x channels x depth x metadata."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from image_files import (
    DPI,
    EXPOSURE,
    ICC,
    MAKER,
    XMP,
    Array,
    adam7,
    cv2_file,
    cv2_pixels,
    exif_block,
    image_of,
    pillow_file,
    pixels,
    png_metadata,
    png_of,
    tiff_metadata,
    tiff_of,
)
from PIL import Image

from flowdenoise import images

SIZE = (37, 53)
SUFFIX = {"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}


def jpeg_or_webp(kind: str) -> Callable[[Array, bool], bytes]:
    def make(samples: Array, metadata: bool) -> bytes:
        options = {"quality": 90} if kind == "JPEG" else {"lossless": True, "exact": True}
        if metadata:
            options |= {"exif": exif_block(), "icc_profile": ICC, "xmp": XMP}
            if kind == "JPEG":
                options["dpi"] = DPI
        return pillow_file(image_of(samples), kind, **options)

    return make


def make_png(samples: Array, metadata: bool) -> bytes:
    return png_of(samples, png_metadata() if metadata else ())


def make_tiff(samples: Array, metadata: bool) -> bytes:
    return tiff_of(samples, **tiff_metadata() if metadata else {})


def make_bmp(samples: Array, metadata: bool) -> bytes:
    return pillow_file(image_of(samples), "BMP", **{"dpi": DPI} if metadata else {})


@dataclass(frozen=True)
class Cell:
    format: str
    channels: int  # alpha included
    dtype: str
    make: Callable[[Array, bool], bytes]

    @property
    def name(self) -> str:
        kind = {1: "gray", 2: "gray with alpha", 3: "RGB", 4: "RGB with alpha"}[self.channels]
        return f"{self.format} {kind} {self.dtype}"


CELLS = [
    *(Cell("PNG", c, dtype, make_png) for c in (1, 2, 3, 4) for dtype in ("uint8", "uint16")),
    *(
        Cell("TIFF", c, dtype, make_tiff)
        for c in (1, 2, 3, 4)
        for dtype in ("uint8", "uint16", "float32")
    ),
    *(Cell("JPEG", c, "uint8", jpeg_or_webp("JPEG")) for c in (1, 3)),
    *(Cell("WEBP", c, "uint8", jpeg_or_webp("WEBP")) for c in (3, 4)),
    *(Cell("BMP", c, "uint8", make_bmp) for c in (1, 3)),
]

every_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)


def joined(picture: images.Picture) -> Array:
    if picture.alpha is None:
        return picture.samples
    return np.concatenate([picture.samples, picture.alpha[..., None]], axis=2)


def decoded_elsewhere(data: bytes, cell: Cell) -> Array:
    """Decode by whichever other program can be trusted with the kind."""
    if cell.format == "TIFF":
        decoded = tifffile.imread(io.BytesIO(data))
    elif cell.dtype == "uint16" and cell.channels in (3, 4):
        decoded = cv2_pixels(data)
    elif cell.dtype == "uint16" and cell.channels == 2:
        decoded = cv2_pixels(data)[..., [0, 3]]  # OpenCV makes it color
    else:
        decoded = np.asarray(Image.open(io.BytesIO(data)))
    return decoded.reshape(*SIZE, -1)


@every_cell
def test_a_file_is_read_as_what_its_header_says(cell: Cell) -> None:
    samples = pixels(*SIZE, cell.channels, cell.dtype)
    picture = images.read(cell.make(samples, False))
    assert (picture.format, picture.samples.dtype.name) == (cell.format, cell.dtype)
    assert picture.source_bits == 8 * samples.dtype.itemsize
    assert picture.channels == (1 if cell.channels < 3 else 3)
    assert (picture.alpha is not None) == (cell.channels in (2, 4))
    assert f" {picture.source_mode} " in f"{cell.name}"
    assert picture.warnings == ()
    assert picture.lossless == (cell.format != "JPEG")
    if picture.lossless:
        np.testing.assert_array_equal(joined(picture), samples)


@every_cell
@pytest.mark.parametrize("metadata", [False, True], ids=["bare", "with metadata"])
def test_the_same_kind_and_the_same_pixels_come_out(
    cell: Cell, metadata: bool, tmp_path: Path
) -> None:
    samples = pixels(*SIZE, cell.channels, cell.dtype)
    picture = images.read(cell.make(samples, metadata))
    target = tmp_path / f"out{SUFFIX[cell.format]}"
    assert images.write(picture.with_samples(picture.samples.copy()), target) == ()
    again = images.read(target)
    assert (again.format, again.source_mode, again.source_bits) == (
        picture.format,
        picture.source_mode,
        picture.source_bits,
    )
    seen = decoded_elsewhere(target.read_bytes(), cell)
    if cell.format == "JPEG":
        assert np.abs(seen.astype(int) - picture.samples).mean() < 2
    else:
        np.testing.assert_array_equal(joined(again), samples)
        np.testing.assert_array_equal(seen, samples)
    assert again.metadata.icc_profile == picture.metadata.icc_profile
    assert again.metadata.xmp == picture.metadata.xmp
    if picture.metadata.dpi is not None:
        assert again.metadata.dpi == pytest.approx(picture.metadata.dpi, abs=0.01)


@every_cell
def test_metadata_comes_out_where_the_format_has_a_place_for_it(
    cell: Cell, tmp_path: Path
) -> None:
    target = tmp_path / f"out{SUFFIX[cell.format]}"
    images.write(images.read(cell.make(pixels(*SIZE, cell.channels, cell.dtype), True)), target)
    if cell.format != "WEBP":
        assert images.read(target).metadata.dpi == pytest.approx(DPI, abs=0.02)
    if cell.format == "BMP":
        return
    metadata = images.read(target).metadata
    assert metadata.icc_profile == ICC
    assert metadata.xmp == XMP
    assert metadata.exif is not None
    exif = Image.Exif()
    exif.load(metadata.exif)
    assert exif[271] == MAKER
    if cell.format != "TIFF":  # where the file was made without these
        assert exif.get_ifd(34665)[33434] == pytest.approx(EXPOSURE)
        assert exif.get_ifd(34853)[1] == "N"


@pytest.mark.parametrize(
    "source",
    [cell for cell in CELLS if cell.format in ("PNG", "JPEG") and cell.channels != 2],
    ids=lambda cell: cell.name,
)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_metadata_survives_the_way_from_one_format_to_another(
    source: Cell, suffix: str, tmp_path: Path
) -> None:
    picture = images.read(source.make(pixels(*SIZE, source.channels, source.dtype), True))
    target = tmp_path / f"out{suffix}"
    images.write(picture, target)
    with Image.open(target) as seen:
        exif = seen.getexif()
        assert exif[271] == MAKER
        assert exif.get_ifd(34665)[33434] == pytest.approx(EXPOSURE)
        assert exif.get_ifd(34853)[1] == "N"
        assert seen.info["icc_profile"] == ICC
        assert seen.info["xmp"] == XMP


def test_how_a_tiff_lays_out_its_pixels_is_no_metadata() -> None:
    exif = Image.Exif()
    exif.load(images.read(tiff_of(pixels(9, 9, 3), **tiff_metadata())).metadata.exif or b"")
    assert sorted(exif) == [271, 305]  # the maker, and the program that wrote it


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_tiff_metadata_of_a_camera_is_taken_apart_and_put_together(
    dtype: str, tmp_path: Path
) -> None:
    small = pillow_file(image_of(pixels(9, 9, 3)), "TIFF", exif=exif_block(), dpi=DPI)
    picture = images.read(small)
    wide = images.Picture(pixels(9, 9, 3, dtype), metadata=picture.metadata, format="TIFF")
    images.write(wide, tmp_path / "out.tif")
    exif = Image.Exif()
    exif.load(images.read(tmp_path / "out.tif").metadata.exif or b"")
    assert exif[271] == MAKER
    assert exif.get_ifd(34665)[33434] == pytest.approx(EXPOSURE)
    assert exif.get_ifd(34853)[1] == "N"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_written_by_another_program_stay_sixteen_bits(
    suffix: str, channels: int
) -> None:
    samples = pixels(*SIZE, channels, "uint16")
    assert (samples % 257 != 0).mean() > 0.9
    picture = images.read(cv2_file(suffix, samples))
    np.testing.assert_array_equal(joined(picture), samples)
    data, warnings = images.encode(picture)
    np.testing.assert_array_equal(cv2_pixels(data), samples)
    assert warnings == ()


def test_a_dark_sixteen_bit_picture_is_not_taken_for_eight_bits() -> None:
    samples = (pixels(*SIZE, 3, "uint16") >> 8).astype(np.uint16)
    assert samples.max() < 256
    picture = images.read(png_of(samples))
    assert picture.samples.dtype == np.uint16
    np.testing.assert_array_equal(picture.samples, samples)


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_extreme_shapes_work(size: tuple[int, int], suffix: str, tmp_path: Path) -> None:
    picture = images.Picture(pixels(*size, 3))
    images.write(picture, tmp_path / f"out{suffix}")
    again = images.read(tmp_path / f"out{suffix}")
    assert again.samples.shape == (*size, 3)
    if again.lossless:
        np.testing.assert_array_equal(again.samples, picture.samples)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_pictures_of_many_bands_have_no_seams(suffix: str, dtype: str, tmp_path: Path) -> None:
    samples = pixels(900, 800, 3, dtype)
    alpha = pixels(900, 800, 1, dtype)[..., 0]
    picture = images.Picture(samples, alpha)
    images.write(picture, tmp_path / f"out{suffix}")
    again = images.read(tmp_path / f"out{suffix}")
    if again.samples.dtype == samples.dtype:
        np.testing.assert_array_equal(again.samples, samples)
        np.testing.assert_array_equal(again.alpha, alpha)
    else:
        np.testing.assert_array_equal(again.samples, np.rint(samples / 257))


def test_values_in_a_tiff_begin_at_even_places(tmp_path: Path) -> None:
    metadata = images.Metadata(icc_profile=bytes(101), xmp=b"x" * 33, dpi=(72, 72))
    images.write(images.Picture(pixels(8, 8, 3), metadata=metadata), tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        places = [tag.valueoffset for tag in file.pages[0].tags if tag.valuebytecount > 4]
    assert len(places) > 4
    assert all(place % 2 == 0 for place in places)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_an_interlaced_png_is_read_like_a_plain_one(channels: int) -> None:
    samples = pixels(20, 20, channels, "uint16")
    interlaced = adam7(samples)
    np.testing.assert_array_equal(joined(images.read(interlaced)), samples)
