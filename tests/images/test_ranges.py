"""White is the data's: whatever type and units come in, the same come out."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
import torch
from image_files import Array, pixels, png_of, tiff_of
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageError, ImageReadError, UsageError


def counts(most: float, dtype: str) -> Array:
    """A gray picture of a microscope's counts, from about a twentieth to about all of `most`."""
    values = pixels(60, 70, 1, "float32").astype(np.float64)
    values = (values - values.min()) / (values.max() - values.min())
    return (most * (0.05 + 0.95 * values)).astype(dtype)


def there_and_back(picture: images.Picture) -> None:
    """What a denoiser that does nothing gives back."""
    rows = slice(3, 40)
    again = picture.samples_of(picture.tensor(rows), rows)
    assert again.dtype == picture.samples.dtype
    if again.dtype.kind == "f":
        low, high = picture.span
        np.testing.assert_allclose(again, picture.samples[rows], atol=1e-3 * (high - low))
    else:
        np.testing.assert_array_equal(again, picture.samples[rows])


RANGES = {  # name: samples, black and white that are found
    "12 bits in 16": (counts(1667, "uint16"), (0, 4095)),
    "14 bits in 16": (counts(9000, "uint16"), (0, 16383)),
    "dark 16 bits": (counts(300, "uint16"), (0, 1023)),
    "16 bits": (counts(40_000, "uint16"), (0, 65535)),
    "8 bits": (counts(60, "uint8"), (0, 255)),
    "signed 12 bits": (counts(3000, "int16"), (0, 4095)),
    "signed 16 bits": (counts(30_000, "int16"), (0, 32767)),
    "wide 14 bits": (counts(9000, "uint32"), (0, 16383)),
    "float of 0 to 1": (counts(0.9, "float32"), (0, 1)),
    "half float": (counts(0.9, "float16"), (0, 1)),
}


@pytest.mark.parametrize("name", RANGES)
def test_white_is_found_from_the_data(name: str) -> None:
    samples, span = RANGES[name]
    picture = images.read(tiff_of(samples))
    assert picture.span == span
    assert picture.samples.dtype == samples.dtype
    assert float(picture.tensor().max()) > 0.2
    there_and_back(picture)
    data, warnings = images.encode(picture)
    assert warnings == ()
    decoded = tifffile.imread(io.BytesIO(data))
    assert decoded.dtype == samples.dtype
    np.testing.assert_array_equal(decoded, samples[..., 0])


NEAR = {
    "counts in floats": counts(1667, "float32"),
    "counts in doubles": counts(1667, "float64"),
    "counts in wide integers": counts(1e6, "uint32"),
    "reflectances": counts(0.04, "float32"),
    "Hounsfield units": (counts(4000, "float64") - 1024).astype(np.int16),
    "kelvins": (counts(10, "float64") + 290).astype(np.float32),
}


@pytest.mark.parametrize("name", NEAR)
def test_black_and_white_are_near_the_ends_of_the_data(name: str) -> None:
    samples = NEAR[name]
    picture = images.read(tiff_of(samples))
    low, high = picture.span
    largest = float(samples.max())
    assert high == pytest.approx(largest, rel=0.01)
    if samples.min() < 0 or samples.min() > largest / 2:
        assert low == pytest.approx(float(samples.min()), rel=0.01)
    else:
        assert low == 0
    assert "black is taken to be" in picture.warnings[0]
    there_and_back(picture)
    np.testing.assert_array_equal(
        tifffile.imread(io.BytesIO(images.encode(picture)[0])), samples[..., 0]
    )


def test_single_hot_pixels_do_not_decide_what_white_is() -> None:
    samples = counts(1667, "float32").repeat(3, axis=0).repeat(3, axis=1)
    samples[5, 5] = 1e20
    assert images.read(tiff_of(samples)).span[1] < 1700


def test_highlights_above_one_leave_white_where_it_is() -> None:
    samples = counts(0.9, "float32")
    samples[:2, :5] = 8
    picture = images.read(tiff_of(samples))
    assert picture.span == (0, 1)
    assert "white 1" in picture.warnings[0]


def test_a_told_range_goes_before_a_found_one() -> None:
    data = png_of(counts(1667, "uint16"))
    assert images.read(data).span == (0, 4095)
    picture = images.read(data, black=100, white=2000)
    assert (picture.span, picture.range_is_told, picture.warnings) == ((100, 2000), True, ())
    there_and_back(picture)
    assert images.read(data, white=65535).span == (0, 65535)
    with pytest.raises(UsageError, match="white must be above black"):
        images.read(data, black=3000, white=2000)


DARK = counts(33, "uint16"), "no value is above 33: white is taken to be 1023, of 10 bits"
COUNTS = counts(1667, "float32")
ENDS = f"values go from {COUNTS.min():.4g} to 1667: "


@pytest.mark.parametrize(
    ("samples", "told", "notes"),
    [
        (DARK[0], {}, (DARK[1],)),
        (DARK[0], {"black": 1}, (DARK[1],)),
        (DARK[0], {"white": 100}, ()),
        (DARK[0], {"black": 1, "white": 100}, ()),
        (COUNTS, {"black": 1}, (f"{ENDS}white is taken to be 1660",)),
        (COUNTS, {"white": 2000}, (f"{ENDS}black is taken to be 0",)),
        (COUNTS, {"black": 1, "white": 2000}, ()),
    ],
)
def test_each_end_that_nobody_tells_is_named(
    samples: Array, told: dict[str, float], notes: tuple[str, ...]
) -> None:
    assert images.read(tiff_of(samples), **told).warnings == notes


def test_black_alone_does_not_say_what_white_is() -> None:
    """Dark data stay as dark in another format, as they do if nothing is told."""
    picture = images.read(tiff_of(counts(1667, "uint16")), black=1)
    assert not picture.range_is_told
    assert np.asarray(Image.open(io.BytesIO(images.encode(picture, "JPEG")[0]))).max() < 10


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_packed_samples_are_read_and_written_packed(bits: int, channels: int) -> None:
    samples = pixels(37, 53, channels, "uint16") >> (16 - bits)
    picture = images.read(packed_tiff(samples, bits))
    assert (picture.span, picture.source_bits) == ((0, 2**bits - 1), bits)
    np.testing.assert_array_equal(picture.samples, samples[..., : picture.channels])
    there_and_back(picture)
    brighter = picture.samples_of(picture.tensor() + 1)
    assert brighter.max() == 2**bits - 1
    data, warnings = images.encode(picture)
    assert warnings == ()
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.pages[0].tags["BitsPerSample"].value in (bits, (bits,) * channels)
    again = images.read(data)
    np.testing.assert_array_equal(again.samples, picture.samples)
    if channels == 4:
        np.testing.assert_array_equal(again.alpha, samples[..., 3])


def packed_tiff(samples: Array, bits: int) -> bytes:
    """Samples without gaps, by bit strings."""
    rows = samples.reshape(len(samples), -1)
    packed = b""
    for row in rows:
        text = "".join(f"{value:0{bits}b}" for value in row)
        text += "0" * (-len(text) % 8)
        packed += int(text, 2).to_bytes(len(text) // 8, "big")
    plain = tiff_of(samples, rowsperstrip=len(samples))
    picture = plain.index(samples.astype("<u2").tobytes())
    data = plain[:picture] + packed
    with tifffile.TiffFile(io.BytesIO(plain)) as file:
        tags = file.pages[0].tags
        changed = bytearray(data)
        place = tags["BitsPerSample"].valueoffset
        changed[place : place + 2 * samples.shape[2]] = (
            bits.to_bytes(2, "little") * samples.shape[2]
        )
        sizes = tags["StripByteCounts"]
        width = {3: 2, 4: 4}[int(sizes.dtype)]
        changed[sizes.valueoffset : sizes.valueoffset + width] = len(packed).to_bytes(
            width, "little"
        )
    return bytes(changed)


def test_packed_samples_fill_the_range_of_another_format() -> None:
    samples = pixels(9, 9, 1, "uint16") >> 4
    data, warnings = images.encode(images.read(packed_tiff(samples, 12)), "PNG")
    assert warnings == ("PNG holds no 12 bits: they become 16 bits",)
    expected = np.rint(samples[..., 0] / 4095 * 65535)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), expected)


def test_dark_pictures_stay_dark_in_another_format() -> None:
    data = images.encode(images.read(tiff_of(counts(1667, "uint16"))), "JPEG")[0]
    assert np.asarray(Image.open(io.BytesIO(data))).max() < 10
    told = images.read(tiff_of(counts(1667, "uint16")), white=1667)
    assert np.asarray(Image.open(io.BytesIO(images.encode(told, "JPEG")[0]))).max() > 240


def test_counts_fill_the_range_of_another_format() -> None:
    data, warnings = images.encode(images.read(tiff_of(counts(1667, "float32"))), "PNG")
    assert "32-bit float: they become 16 bits, and values below 0 or above 16" in warnings[0]
    assert np.asarray(Image.open(io.BytesIO(data))).max() == 65535


# No data


MARKS = {"not a number": np.nan, "infinite": np.inf, "the end of floats": np.finfo("f4").min}


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_without_data_are_left_out_and_kept(name: str, channels: int) -> None:
    samples = np.repeat(counts(300, "float32"), channels, axis=2)
    samples[10:20, 5:9, -1] = MARKS[name]
    picture = images.read(tiff_of(samples))
    assert picture.no_data is not None
    assert picture.no_data.sum() == 40
    assert picture.span[1] == pytest.approx(300, rel=0.02)
    tensor = picture.tensor()
    assert bool(torch.isfinite(tensor).all())
    assert float(tensor.max()) < 1.1
    changed = picture.samples_of(tensor * 0.5, slice(None))
    np.testing.assert_array_equal(changed[10:20, 5:9], samples[10:20, 5:9])
    np.testing.assert_allclose(changed[30:], samples[30:] / 2, rtol=1e-4)
    data, _ = images.encode(picture.with_samples(changed))
    np.testing.assert_array_equal(images.read(data).samples, changed)


@pytest.mark.parametrize(("dtype", "text"), [("float32", "-9999"), ("uint16", "65535")])
def test_the_mark_of_gdal_is_known(dtype: str, text: str) -> None:
    samples = counts(300, dtype)
    samples[10:20, 5:9] = float(text)
    data = tiff_of(samples, extratags=[(42113, "s", 0, text, True)])
    picture = images.read(data)
    assert picture.no_data is not None
    assert picture.no_data.sum() == 40
    assert picture.span[1] <= 1023
    result = images.encode(picture)[0]
    with tifffile.TiffFile(io.BytesIO(result)) as file:
        assert file.pages[0].tags[42113].value == text
    np.testing.assert_array_equal(images.read(result).no_data, picture.no_data)


def test_a_picture_of_no_data_at_all_is_refused() -> None:
    with pytest.raises(ImageReadError, match="it holds no data"):
        images.read(tiff_of(np.full((9, 9, 1), np.nan, np.float32)))


def test_transparency_that_is_no_number_is_refused() -> None:
    samples = pixels(9, 9, 2, "float32")
    samples[4, 4, 1] = np.nan
    with pytest.raises(ImageReadError, match="its transparency is infinite or no number"):
        images.read(tiff_of(samples))


def test_a_range_that_is_none_is_refused() -> None:
    samples = pixels(9, 9, 1)
    with pytest.raises(UsageError, match="white must be above black"):
        images.Picture(samples, black=10, white=10)
    with pytest.raises(UsageError, match="the size of the samples"):
        images.Picture(samples, no_data=np.zeros((3, 3), np.bool_))
    with pytest.raises(ImageError, match="not a finite number"):
        images.Picture(samples).samples_of(torch.full((1, 1, 9, 9), torch.nan))
