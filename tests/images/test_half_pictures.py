"""Half pictures are errors, and files that would fill the memory are refused before they do."""

from __future__ import annotations

import io
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from image_files import Array, image_of, pillow_file, pixels, png_chunk, png_of, tiff_of
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageReadError, UsageError
from flowdenoise.images.limits import MAX_MEMORY, Limits


def refusal(data: bytes, **limits: Any) -> str:
    with pytest.raises(ImageReadError) as caught:
        images.read(data, **limits)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_whose_data_end_early_is_refused(channels: int, dtype: str) -> None:
    samples = pixels(40, 28, channels, dtype)
    half = png_of(samples[:20])
    header = half[16:20] + struct.pack(">I", 40) + half[24:29]
    assert "some of its pixels are missing" in refusal(
        half[:8] + png_chunk(b"IHDR", header) + half[33:]
    )


def test_a_second_header_does_not_pass_the_limit() -> None:
    data = png_of(pixels(8, 8, 3))
    second = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    assert "two PNG headers" in refusal(data[:33] + png_chunk(b"IHDR", second) + data[33:])


def test_a_chunk_that_no_decoder_knows_but_all_must_is_refused() -> None:
    data = png_of(pixels(8, 8, 3))
    assert "'CRIT'" in refusal(data[:33] + png_chunk(b"CRIT", b"") + data[33:])


def plain_tiff(image: Image.Image) -> bytes:
    """Uncompressed, in two strips."""
    rows = image.height // 2
    return pillow_file(image, "TIFF", tiffinfo={278: rows})


def altered(data: bytes, tag: int, place: int, value: int) -> bytes:
    """The same file with another value in the list of a tag (of strips, say)."""
    start = int.from_bytes(data[4:8], "little")
    for entry in range(start + 2, start + 2 + 12 * data[start], 12):
        number, kind, count, where = struct.unpack_from("<HHII", data, entry)
        if number == tag:
            code = {3: "<H", 4: "<I"}[kind]
            size = struct.calcsize(code)
            base = entry + 8 if count * size <= 4 else where
            changed = bytearray(data)
            struct.pack_into(code, changed, base + place * size, value)
            return bytes(changed)
    raise KeyError(tag)


COLOR = image_of(pixels(40, 28, 3))
KINDS = {
    "palette": COLOR.quantize(),
    "CMYK": COLOR.convert("CMYK"),
    "bilevel": COLOR.convert("1"),
    "gray": COLOR.convert("L"),
    "RGB": COLOR,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiff_with_a_strip_that_is_too_short_is_refused(kind: str) -> None:
    data = plain_tiff(KINDS[kind])
    assert images.read(data).samples.shape[:2] == (40, 28)
    assert "too short" in refusal(altered(data, 279, 1, 12))


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiff_that_lacks_a_strip_is_refused(kind: str) -> None:
    data = plain_tiff(KINDS[kind])
    assert "lacks some of its strips" in refusal(altered(data, 257, 0, 60))


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiff_whose_strip_lies_beyond_the_end_is_refused(kind: str) -> None:
    data = plain_tiff(KINDS[kind])
    assert "cut short" in refusal(altered(data, 273, 1, len(data) - 12))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_tiff_with_half_a_compressed_strip_is_refused(kind: str, compression: str) -> None:
    data = pillow_file(KINDS[kind], "TIFF", compression=compression)
    size = Image.open(io.BytesIO(data)).tag_v2[279][0]  # type: ignore[attr-defined]
    assert "a strip or tile of the TIFF file" in refusal(altered(data, 279, 0, size // 2))


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_in_a_tiff_is_read_as_pillow_reads_it(compression: str) -> None:
    data = pillow_file(KINDS["bilevel"], "TIFF", compression=compression)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    np.testing.assert_array_equal(images.read(data).samples[..., 0], expected)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_tiff_is_read_as_pillow_reads_it(kind: str, compression: str | None) -> None:
    data = pillow_file(KINDS[kind], "TIFF", compression=compression)
    expected = Image.open(io.BytesIO(data)).convert("L" if kind in ("bilevel", "gray") else "RGB")
    np.testing.assert_array_equal(images.read(data).samples.squeeze(), np.asarray(expected))


def test_bits_in_reversed_order_are_turned() -> None:
    packed = np.packbits(pixels(9, 16, 1)[..., 0] > 100, axis=1)
    data = plain_bits(packed, fill_order=1)
    backwards = np.packbits(np.unpackbits(packed[..., None], axis=2)[..., ::-1], axis=2)[..., 0]
    turned = plain_bits(backwards, fill_order=2)
    np.testing.assert_array_equal(images.read(data).samples, images.read(turned).samples)


def plain_bits(packed: Array, fill_order: int) -> bytes:
    height, width = len(packed), 8 * packed.shape[1]
    tags = [(256, width), (257, height), (258, 1), (259, 1), (262, 1), (266, fill_order)]
    tags += [(273, 8), (277, 1), (278, height), (279, packed.size)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + packed.size) + packed.tobytes() + directory


def gif_of_one_pixel(width: int, height: int) -> bytes:
    """A sound GIF file of a few bytes whose only pixel lies on a huge canvas."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    return head + frame + b";"


def test_a_file_is_refused_by_the_memory_that_its_decoding_needs() -> None:
    bomb = gif_of_one_pixel(31_000, 31_000)
    assert len(bomb) < 50
    tracemalloc.start()
    message = refusal(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "takes 7.2 GiB of memory, more than the limit of 2.0 GiB" in message
    assert "raise `max_memory`" in message
    assert peak < 1_000_000


def test_the_limit_of_memory_can_be_set() -> None:
    data = tiff_of(pixels(100, 100, 3))
    assert images.read(data, max_memory=1_000_000).samples.size
    assert "raise `max_memory`" in refusal(data, max_memory=10_000)
    with pytest.raises(UsageError, match="memory must be at least 1"):
        images.read(data, max_memory=0)


def test_a_large_file_may_take_more_memory_than_a_small_one() -> None:
    small, large = Limits(file_size=10), Limits(file_size=MAX_MEMORY)
    with pytest.raises(ImageReadError, match="raise `max_memory`"):
        small.check(10_000, 10_000, 100)
    large.check(10_000, 10_000, 100)
