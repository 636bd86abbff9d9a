"""Bad input: one line that names the file and the reason, and never anything else."""

from __future__ import annotations

import io
import os
import struct
import sys
import tracemalloc
import warnings
import zlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_files import (
    PNG_MAGIC,
    adam7,
    cmyk_profile,
    cv2_file,
    exif_block,
    image_of,
    pillow_file,
    pixels,
    png_chunk,
    png_metadata,
    png_of,
    tiff_metadata,
    tiff_of,
    with_crcs_mended,
)

from flowdenoise import images
from flowdenoise.errors import ImageReadError
from flowdenoise.images.picture import DTYPES


@cache
def valid_files() -> dict[str, bytes]:
    """Small files of all formats and of most kinds."""
    color = image_of(pixels(24, 32, 3))
    clear = image_of(pixels(24, 32, 4))
    animation = {"save_all": True, "append_images": [color.rotate(180)]}
    lzw = (cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW)
    cmyk = color.convert("CMYK")
    files = {
        "png": png_of(pixels(24, 32, 3), png_metadata(6)),
        "png16": png_of(pixels(24, 32, 4, "uint16"), png_metadata()),
        "png16-interlaced": adam7(pixels(24, 32, 2, "uint16")),
        "png-gray": png_of(pixels(24, 32, 1), ((b"tRNS", b"\0\x7f"),)),
        "png-palette": pillow_file(color.quantize(), "PNG", transparency=3),
        "png-animated": pillow_file(color, "PNG", **animation),
        "jpeg": pillow_file(color, "JPEG", exif=exif_block(8), dpi=(90, 90)),
        "jpeg-progressive": pillow_file(color, "JPEG", progressive=True, restart_marker_rows=1),
        "jpeg-gray": pillow_file(color.convert("L"), "JPEG"),
        "jpeg-cmyk": pillow_file(cmyk, "JPEG", icc_profile=cmyk_profile()),
        "jpeg-multi": pillow_file(color, "MPO", **animation),
        "tiff": tiff_of(pixels(24, 32, 3), compression="zlib", **tiff_metadata()),
        "tiff16": tiff_of(pixels(24, 32, 4, "uint16"), byteorder=">", tile=(16, 16)),
        "tiff-float": tiff_of(pixels(24, 32, 1, "float32")),
        "tiff-lzw": cv2_file(".tif", pixels(24, 32, 3, "uint16"), *lzw),
        "tiff-jpeg": pillow_file(color, "TIFF", compression="jpeg"),
        "tiff-fax": pillow_file(color.convert("1"), "TIFF", compression="group4"),
        "tiff-palette": pillow_file(color.quantize(), "TIFF", compression="packbits"),
        "tiff-cmyk": pillow_file(cmyk, "TIFF", icc_profile=cmyk_profile()),
        "tiff-ours": images.encode(images.Picture(pixels(24, 32, 3, "uint16")), format="TIFF")[0],
        "webp": pillow_file(color, "WEBP", exif=exif_block(3)),
        "webp-lossless": pillow_file(clear, "WEBP", lossless=True),
        "webp-animated": pillow_file(color, "WEBP", **animation),
        "bmp": pillow_file(color, "BMP"),
        "bmp-palette": pillow_file(color.quantize(), "BMP"),
        "gif": pillow_file(color.quantize(), "GIF", **animation),
    }
    for data in files.values():
        images.read(data)
    return files


NAMES = sorted(valid_files())
FEW_PIXELS = 200_000


def refusal(data: bytes) -> str:
    with pytest.raises(ImageReadError) as caught:
        images.read(data)
    return str(caught.value)


# What any bytes may do


places = st.floats(0, 1, exclude_max=True)
edits = st.one_of(
    st.tuples(st.just("set"), places, st.integers(0, 255)),
    st.tuples(st.just("set near the start"), places, st.integers(0, 255)),
    st.tuples(st.just("flip"), places, st.integers(0, 7)),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("remove"), places, st.integers(1, 40)),
    st.tuples(st.just("cut"), places, st.none()),
)


def edited(data: bytes, changes: list[tuple[str, float, object]]) -> bytes:
    changed = bytearray(data)
    for what, where, value in changes:
        reach = min(len(changed), 200) if what == "set near the start" else len(changed)
        place = int(where * reach)
        if what.startswith("set") and changed:
            changed[place] = value  # type: ignore[call-overload]
        elif what == "flip" and changed:
            changed[place] ^= 1 << value  # type: ignore[operator]
        elif what == "insert":
            changed[place:place] = value  # type: ignore[call-overload]
        elif what == "remove":
            del changed[place : place + value]  # type: ignore[operator]
        elif what == "cut":
            del changed[place:]
    return bytes(changed)


def read_or_refused(data: bytes) -> images.Picture | None:
    """The picture, checked to be one; None after a proper error."""
    refused = ""
    try:
        picture = images.read(data, max_pixels=FEW_PIXELS)
    except ImageReadError as error:
        refused = str(error)
    if refused:
        assert "\n" not in refused
        assert len(refused) < 300
        return None
    samples, alpha = picture.samples, picture.alpha
    assert samples.dtype.name in DTYPES  # a TIFF that lost its sample format holds integers
    assert samples.ndim == 3
    assert samples.shape[2] in (1, 3)
    missing = np.zeros(samples.shape[:2], bool) if picture.no_data is None else picture.no_data
    assert np.isfinite(samples[~missing]).all()
    assert alpha is None or (alpha.shape, alpha.dtype) == (samples.shape[:2], samples.dtype)
    assert all("\n" not in warning for warning in picture.warnings)
    return picture


@settings(max_examples=400)
@example(name="tiff-float", changes=[("set near the start", 0.84375, 0)], mend=False)
@given(name=st.sampled_from(NAMES), changes=st.lists(edits, min_size=1, max_size=4), mend=...)
def test_altered_files_are_read_or_refused_in_one_line(
    name: str, changes: list[tuple[str, float, object]], mend: bool
) -> None:
    data = edited(valid_files()[name], changes)
    if mend and data.startswith(PNG_MAGIC):
        data = with_crcs_mended(data)
    picture = read_or_refused(data)
    if picture is not None:
        images.read(images.encode(picture)[0])  # what could be read can be written


@settings(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from([b"", *(d[:16] for d in valid_files().values())]))
def test_any_bytes_are_read_or_refused(tail: bytes, head: bytes) -> None:
    read_or_refused(head + tail)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_short_is_never_half_decoded(name: str) -> None:
    data = valid_files()[name]
    whole = images.read(data)
    for length in sorted({*range(len(data) - 40, len(data)), *range(0, len(data), 61)}):
        try:
            picture = images.read(data[:length])
        except ImageReadError:
            continue
        np.testing.assert_array_equal(picture.samples, whole.samples)
        if whole.alpha is not None:
            np.testing.assert_array_equal(picture.alpha, whole.alpha)


@pytest.mark.parametrize("name", ["png", "jpeg", "tiff", "webp", "bmp", "gif"])
def test_half_a_file_is_refused_in_one_line(name: str) -> None:
    data = valid_files()[name]
    message = refusal(data[: len(data) // 2])
    assert "cut short" in message
    assert "\n" not in message


def test_decoders_print_nothing_about_damaged_files(capfd: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        data = valid_files()[name]
        for place in range(8, len(data), max(1, len(data) // 25)):
            damaged = bytearray(data)
            damaged[place] ^= 0x55
            for variant in (bytes(damaged), with_crcs_mended(bytes(damaged)), data[:place]):
                try:
                    images.read(variant, max_pixels=FEW_PIXELS)
                except ImageReadError:
                    continue
    assert capfd.readouterr() == ("", "")


def test_the_error_stream_is_back_after_decoding(capfd: pytest.CaptureFixture[str]) -> None:
    images.read(valid_files()["tiff-jpeg"])
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


# Particular troubles


def test_an_empty_file_is_refused() -> None:
    assert "the file is empty" in refusal(b"")


def test_what_is_no_image_is_refused_by_content_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear reader, this is no picture.")
    with pytest.raises(ImageReadError, match=r"letter\.png: not an image of a known kind"):
        images.read(path)


def test_an_image_under_a_wrong_name_is_read_by_content(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(valid_files()["jpeg"])
    assert images.read(path).format == "JPEG"


@pytest.mark.parametrize(
    ("module", "extra", "head"),
    [("pillow_heif", "heic", b"\0\0\0\x18ftypheic"), ("pillow_jxl", "jxl", b"\xff\x0a")],
)
def test_a_kind_that_needs_an_extra_names_it(
    module: str, extra: str, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install 'flowdenoise[{extra}]'" in refusal(head + bytes(100))


def test_missing_and_unopenable_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"gone\.png: can't be read: no such file"):
        images.read(tmp_path / "gone.png")
    with pytest.raises(ImageReadError, match=r"is a directory|permission denied"):
        images.read(tmp_path)


@pytest.mark.usefixtures("permissions_hold")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closed.png"
    path.write_bytes(valid_files()["png"])
    path.chmod(0)
    with pytest.raises(ImageReadError, match="permission denied"):
        images.read(path)


def test_the_message_is_one_line_even_where_the_name_is_not(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError) as caught:
        images.read(tmp_path / "two\nlines.png")
    assert "\n" not in str(caught.value)


BOMBS = {
    "png": PNG_MAGIC
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    + png_chunk(b"IDAT", zlib.compress(bytes(100)))
    + png_chunk(b"IEND", b""),
    "jpeg": valid_files()["jpeg"].replace(
        struct.pack(">HH", 24, 32), struct.pack(">HH", 65500, 65500)
    ),
    "tiff": tiff_of(pixels(8, 8, 1))
    .replace(struct.pack("<HHII", 256, 4, 1, 8), struct.pack("<HHII", 256, 4, 1, 100_000))
    .replace(struct.pack("<HHII", 257, 4, 1, 8), struct.pack("<HHII", 257, 4, 1, 100_000)),
    "webp": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\0" * 2 + bytes(8),
    "bmp": b"BM" + struct.pack("<IIIIiiHH", 54, 0, 54, 40, 100_000, 100_000, 1, 24) + bytes(24),
    "gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + valid_files()["gif"][10:],
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_refused_before_decoding(name: str) -> None:
    message = refusal(BOMBS[name])
    assert "more than the limit of 1,000,000,000" in message
    assert "raise `max_pixels`" in message


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_counts_pixels_and_can_be_raised(name: str) -> None:
    data = valid_files()[name]
    with pytest.raises(ImageReadError, match="raise `max_pixels`"):
        images.read(data, max_pixels=24 * 32 - 1)
    assert images.read(data, max_pixels=24 * 32).samples.size


def test_a_wrong_checksum_in_a_png_is_refused() -> None:
    data = bytearray(valid_files()["png16"])
    data[-20] ^= 1  # in the checksum of the pixels, or in their last bytes
    assert "the checksum of a chunk 'IDAT' is wrong" in refusal(bytes(data))


def test_a_png_without_its_end_is_refused() -> None:
    assert "cut short" in refusal(valid_files()["png"][:-12])


def test_what_pillow_warns_of_does_not_become_a_python_warning() -> None:
    odd = png_of(pixels(8, 8, 3), ((b"acTL", bytes(8)),))  # an animation of no frames
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert images.read(odd).samples.shape == (8, 8, 3)


def test_a_tiff_tag_that_refers_beyond_the_end_means_that_the_end_is_missing() -> None:
    data = bytearray(tiff_of(pixels(8, 8, 3), iccprofile=bytes(1000)))
    entry = data.index(struct.pack("<HHI", 34675, 7, 1000))
    struct.pack_into("<I", data, entry + 8, len(data) - 999)
    assert "refers beyond the end" in refusal(bytes(data))


def test_a_tiff_strip_with_too_few_pixels_is_refused() -> None:
    data = tiff_of(pixels(8, 8, 3), compression="zlib")
    tall = data
    for tag in (257, 278):  # height, and rows in the strip
        kind = 4 if struct.pack("<HH", tag, 4) in data else 3
        code = "<HHIHxx" if kind == 3 else "<HHII"
        tall = tall.replace(struct.pack(code, tag, kind, 1, 8), struct.pack(code, tag, kind, 1, 9))
    assert "a strip or tile of the TIFF file is too short" in refusal(tall)


def test_tags_that_share_their_bytes_can_not_fill_the_memory() -> None:
    count, size = 2000, 200_000
    entries = [struct.pack("<HHII", 40_000 + i, 7, size, 8) for i in range(count)]
    directory = struct.pack("<H", count) + b"".join(entries) + bytes(4)
    data = b"II*\0" + struct.pack("<I", size + 8) + bytes(size) + directory
    tracemalloc.start()
    refusal(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(data)


def test_tiles_far_larger_than_the_picture_are_refused() -> None:
    data = tiff_of(pixels(8, 8, 1), tile=(16, 16), compression="zlib")
    huge = data
    for tag in (322, 323):
        kind = 4 if struct.pack("<HH", tag, 4) in data else 3
        code = "<HHIHxx" if kind == 3 else "<HHII"
        old, new = struct.pack(code, tag, kind, 1, 16), struct.pack(code, tag, kind, 1, 65_520)
        assert old in huge
        huge = huge.replace(old, new)
    assert "tiles larger than the picture" in refusal(huge)


def altered_frame(place: int, value: int) -> bytes:
    """A JPEG file with another value at a place of its frame header, which begins with a mark."""
    data = bytearray(pillow_file(image_of(pixels(16, 16, 3)), "JPEG"))
    data[data.index(b"\xff\xc0") + place] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (altered_frame(4, 12), "12-bit JPEG is not supported"),
        (altered_frame(1, 0xC5), "hierarchical JPEG is not supported"),
        (altered_frame(9, 5), "not supported, or damaged (cannot handle 5-layer images)"),
        (altered_frame(4, 37), "not supported, or damaged (cannot handle 37-bit layers)"),
        (b"BM" + bytes(12) + b"\x11" + bytes(40), "not supported, or damaged (Unsupported BMP"),
    ],
)
def test_a_kind_that_is_not_supported_is_not_called_damaged(data: bytes, reason: str) -> None:
    assert refusal(data).startswith(f"image: {reason}")


def test_a_camera_raw_file_is_not_taken_for_its_thumbnail() -> None:
    dng = tiff_of(pixels(8, 8, 3), extratags=[(50706, "B", 4, b"\1\4\0\0", True)])
    assert "a camera's raw file" in refusal(dng)


def test_too_little_memory_is_an_error_of_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", full)
    assert "not enough memory" in refusal(valid_files()["png"])


def test_a_stream_is_read_and_named_in_errors(tmp_path: Path) -> None:
    stream = io.BytesIO(valid_files()["webp"])
    assert images.read(stream).format == "WEBP"
    path = tmp_path / "half.jpg"
    path.write_bytes(valid_files()["jpeg"][:300])
    with path.open("rb") as file, pytest.raises(ImageReadError, match=r"half\.jpg: "):
        images.read(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_read(tmp_path: Path) -> None:
    import threading

    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(valid_files()["png16"],))
    writer.start()
    picture = images.read(path)
    writer.join()
    assert picture.samples.dtype == np.uint16
