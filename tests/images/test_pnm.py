"""PBM, PGM, PPM and PFM: as text and as bytes, with 8, 16 and 32 (float) bits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from image_files import Array, cv2_pixels, pixels

from flowdenoise import images
from flowdenoise.errors import ImageReadError


def encoded(suffix: str, samples: Array, *options: int) -> bytes:
    order = samples[..., ::-1] if samples.shape[2] == 3 else samples
    done, data = cv2.imencode(suffix, order, options)
    assert done
    return bytes(data.tobytes())


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers_come_in_and_go_out(channels: int, dtype: str, text: bool) -> None:
    samples = pixels(37, 53, channels, dtype)
    suffix = ".pgm" if channels == 1 else ".ppm"
    data = encoded(suffix, samples, cv2.IMWRITE_PXM_BINARY, int(not text))
    assert data[:2] in ((b"P2", b"P3") if text else (b"P5", b"P6"))
    picture = images.read(data)
    assert (picture.format, picture.warnings) == ("PNM", ())
    np.testing.assert_array_equal(picture.samples, samples)
    result, warnings = images.encode(picture)
    assert warnings == ()
    np.testing.assert_array_equal(cv2_pixels(result), samples)


@pytest.mark.parametrize("channels", [1, 3])
def test_floats_come_in_and_go_out(channels: int) -> None:
    samples = pixels(37, 53, channels, "float32") * 4000
    picture = images.read(encoded(".pfm", samples))
    np.testing.assert_array_equal(picture.samples, samples)
    assert picture.span[1] > 3000
    np.testing.assert_array_equal(cv2_pixels(images.encode(picture)[0]), samples)


def test_both_byte_orders_of_floats_are_read() -> None:
    samples = pixels(5, 7, 3, "float32")
    for order, scale in (("<", b"-1.0"), (">", b"1.0")):
        body = samples[::-1].astype(f"{order}f4").tobytes()
        picture = images.read(b"PF\n7 5\n" + scale + b"\n" + body)
        np.testing.assert_array_equal(picture.samples, samples)


def test_bitmaps_are_read() -> None:
    expected = [[255, 0, 0], [0, 255, 255]]
    for data in (b"P1\n3 2\n0 1 1\n1 0 0\n", b"P1 3 2 011100", b"P4\n3 2\n\x60\x80"):
        picture = images.read(data)
        assert picture.samples[..., 0].tolist() == expected
        assert picture.warnings == ("1-bit black and white becomes one of 0 to 255",)


def test_twelve_bits_stay_twelve_bits() -> None:
    samples = pixels(9, 9, 3, "uint16") >> 4
    data = b"P6 9 9 4095\n" + samples.astype(">u2").tobytes()
    picture = images.read(data)
    assert (picture.span, picture.source_bits) == ((0, 4095), 12)
    np.testing.assert_array_equal(picture.samples, samples)
    assert picture.samples_of(picture.tensor() + 1).max() == 4095
    assert images.encode(picture)[0] == b"P6\n9 9\n4095\n" + samples.astype(">u2").tobytes()


def test_other_ranges_are_spread() -> None:
    picture = images.read(b"P5 3 1 100\n\x00\x32\x64")
    assert picture.samples[..., 0].tolist() == [[0, 128, 255]]
    assert picture.warnings == ("a range of 0 to 100 becomes one of 0 to 255",)


def test_remarks_are_kept() -> None:
    picture = images.read(b"P5\n# made by hand\n# on a day\n2 1\n# of rain\n255\n\x01\x02")
    assert picture.contents == ("comment",)
    assert picture.metadata.comment == b"made by hand\non a day\nof rain"
    result, warnings = images.encode(picture)
    assert warnings == ()
    assert images.read(result).metadata.comment == picture.metadata.comment
    assert images.read(result).samples[..., 0].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P6 4 4 255\n" + bytes(47), "cut short"),
        (b"P2 2 2 9\n1 2 3", "cut short"),
        (b"P2 2 2 9\n1 2 3 x", "not all pixels are numbers"),
        (b"P5 2 1 9\n\x01\x0a", "values above the largest"),
        (b"P5 2 x 9\n\x01\x0a", "the header makes no sense"),
        (b"P5 0 4 255\n", "the header makes no sense"),
        (b"P5 4 4 70000\n" + bytes(64), "the header makes no sense"),
        (b"P5 4 4 0.5\n" + bytes(64), "the header makes no sense"),
        (b"Pf 4 4 nan\n" + bytes(64), "the header makes no sense"),
        (b"P6 60000 60000 255\n", "more than the limit"),
    ],
)
def test_what_is_damaged_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageReadError, match=message):
        images.read(data)
