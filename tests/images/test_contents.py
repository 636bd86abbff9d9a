"""What a file carries besides its pixels is kept, or else named; and we read what we write."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from image_files import (
    ICC,
    gray_profile,
    image_of,
    pillow_file,
    pixels,
    png_chunk,
    png_of,
    tiff_of,
)
from PIL import Image

from flowdenoise import images

CAPTION = b"\x1c\x02\x78\x00\x0dSunset at sea"
RESOURCES = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(CAPTION)) + CAPTION + bytes(1)
VIDEO = b"\0\0\0\x18ftypmp42" + bytes(2000)
PARAMETERS = b"parameters\0a castle\nSteps: 20, Seed: 1"


def jpeg(*segments: tuple[int, bytes], tail: bytes = b"", **options: Any) -> bytes:
    """A JPEG file with further segments behind its first, and something behind its end."""
    data = pillow_file(image_of(pixels(24, 32, 3)), "JPEG", quality=95, **options)
    end = 4 + int.from_bytes(data[4:6], "big")
    more = b"".join(struct.pack(">BBH", 255, m, 2 + len(b)) + b for m, b in segments)
    return data[:end] + more + data[end:] + tail


def written(data: bytes, format: str | None = None) -> tuple[bytes, tuple[str, ...]]:  # noqa: A002
    return images.encode(images.read(data), format)


def test_captions_and_comments_of_a_jpeg_are_kept() -> None:
    data = jpeg((0xED, b"Photoshop 3.0\0" + RESOURCES), (0xFE, b"a comment"))
    assert images.read(data).contents == ("IPTC", "comment")
    result, warnings = written(data)
    assert warnings == ()
    info = Image.open(io.BytesIO(result)).info
    assert info["photoshop"] == {0x0404: CAPTION}
    assert info["comment"] == b"a comment"


def test_captions_too_long_for_a_segment_are_kept() -> None:
    long = RESOURCES + b"8BIM\x04\x25\0\0" + struct.pack(">I", 90_000) + bytes(90_000)
    pieces = [(0xED, b"Photoshop 3.0\0" + long[i : i + 60_000]) for i in (0, 60_000)]
    result, warnings = written(jpeg(*pieces))
    assert warnings == ()
    assert images.read(result).metadata.photoshop == long


def test_captions_go_from_jpeg_to_tiff_and_back() -> None:
    data = jpeg((0xED, b"Photoshop 3.0\0" + RESOURCES))
    tiff, warnings = written(data, "TIFF")
    assert warnings == ()
    with tifffile.TiffFile(io.BytesIO(tiff)) as file:
        assert file.pages[0].tags[34377].value.startswith(b"8BIM\x04\x04")
    back, warnings = written(tiff, "JPEG")
    assert warnings == ()
    assert Image.open(io.BytesIO(back)).info["photoshop"] == {0x0404: CAPTION}


def test_the_video_of_a_motion_photo_is_kept_at_its_end() -> None:
    result, warnings = written(jpeg(tail=VIDEO))
    assert warnings == ()
    assert result.endswith(VIDEO)
    _, warnings = written(jpeg(tail=VIDEO), "PNG")
    assert warnings == ("not carried over to PNG: motion video",)


def test_what_stands_behind_a_jpeg_and_is_no_video_is_named() -> None:
    result, warnings = written(jpeg(tail=b"who knows what this is"))
    assert warnings == ("not carried over to JPEG: data behind the picture",)
    assert result.endswith(b"\xff\xd9")


def test_segments_that_nobody_knows_are_named() -> None:
    _, warnings = written(jpeg((0xE7, b"FLIR\0thermal data")))
    assert warnings == ("not carried over to JPEG: segment APP7 FLIR",)


def test_texts_of_a_png_are_kept_byte_for_byte() -> None:
    texts = (
        (b"tEXt", PARAMETERS),
        (b"zTXt", b"workflow\0\0" + zlib.compress(b'{"nodes": []}')),
        (b"iTXt", b"Title\0\0\0\0\0Sonnenuntergang \xc3\xbcber See"),
    )
    result, warnings = written(png_of(pixels(9, 9, 3), texts))
    assert warnings == ()
    assert all(png_chunk(*text) in result for text in texts)
    _, warnings = written(png_of(pixels(9, 9, 3), texts), "JPEG")
    assert warnings == (
        "not carried over to JPEG: text 'parameters', text 'workflow', text 'Title'",
    )


def test_long_texts_of_a_png_are_read() -> None:
    text = (b"zTXt", b"k\0\0" + zlib.compress(bytes(2_000_000)))
    result, warnings = written(png_of(pixels(9, 9, 3), (text,)))
    assert warnings == ()
    assert png_chunk(*text) in result


def test_chunks_of_a_png_are_copied_if_they_say_that_it_is_safe() -> None:
    chunks = ((b"prVt", b"depends on nothing"), (b"prVT", b"depends on pixels"))
    result, warnings = written(png_of(pixels(9, 9, 3), chunks))
    assert png_chunk(*chunks[0]) in result
    assert warnings == ("not carried over to PNG: chunk prVT",)


@pytest.mark.parametrize("name", ["PNG", "TIFF", "JPEG"])
def test_the_aspect_of_pixels_is_kept_and_turns_with_the_picture(name: str) -> None:
    aspect = (b"pHYs", struct.pack(">IIB", 10, 11, 0))
    result, warnings = written(png_of(pixels(9, 9, 3), (aspect,)), name)
    assert warnings == ()
    again = images.read(result)
    assert (again.metadata.aspect, again.metadata.dpi) == ((10, 11), None)
    exif = Image.Exif()
    exif[274] = 6
    turned = images.read(png_of(pixels(9, 9, 3), (aspect, (b"eXIf", exif.tobytes()[6:]))))
    assert turned.metadata.aspect == (11, 10)


@pytest.mark.parametrize(
    "odd",
    [
        (b"gAMA", bytes(300)),
        (b"cHRM", bytes(31)),
        (b"sRGB", b""),
        (b"iCCP", b"no zlib here\0\0abc"),
        (b"pHYs", b"\1"),
    ],
)
def test_odd_chunks_cost_themselves_and_not_the_picture(odd: tuple[bytes, bytes]) -> None:
    data = png_of(pixels(9, 9, 3), (odd,))
    result, warnings = written(data)
    assert len(warnings) == 1
    assert warnings[0].startswith("not carried over to PNG: ")
    np.testing.assert_array_equal(images.read(result).samples, pixels(9, 9, 3))
    assert np.asarray(Image.open(io.BytesIO(result))).shape == (9, 9, 3)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_profiles_over_a_megabyte_are_written_and_read(name: str) -> None:
    body = np.random.default_rng(0).integers(0, 256, 1_500_000, np.uint8).tobytes()
    profile = struct.pack(">I", len(ICC) + len(body)) + ICC[4:] + body
    picture = images.Picture(pixels(9, 9, 3), metadata=images.Metadata(icc_profile=profile))
    data, warnings = images.encode(picture, name)
    assert warnings == ()
    assert images.read(data).metadata.icc_profile == profile


def test_a_gray_profile_is_not_left_beside_colors() -> None:
    data = pillow_file(image_of(pixels(9, 9, 1)), "JPEG", icc_profile=gray_profile())
    result, warnings = written(data)
    assert warnings == ()
    assert images.read(result).metadata.icc_profile == gray_profile()
    result, warnings = written(data, "WEBP")
    assert warnings[1:] == (
        "the color profile is left out: it is one of gray colors, and the picture is RGB",
    )
    assert "icc_profile" not in Image.open(io.BytesIO(result)).info


def test_contents_are_told_by_every_format() -> None:
    exif = Image.Exif()
    exif[271] = "Maker"
    image = image_of(pixels(24, 32, 3))
    options = {"exif": exif.tobytes(), "icc_profile": ICC}
    for kind in ("PNG", "JPEG", "TIFF", "WEBP", "AVIF"):
        picture = images.read(pillow_file(image, kind, **options))
        assert {"EXIF", "color profile"} <= set(picture.contents), kind
    assert images.read(pillow_file(image, "GIF", comment=b"hello")).contents == ("comment",)


def test_a_comment_of_a_gif_becomes_a_text_of_the_png() -> None:
    data = pillow_file(image_of(pixels(24, 32, 3)), "GIF", comment=b"hello")
    result, warnings = written(data)
    assert warnings == ("GIF is not written: it becomes PNG",)
    assert Image.open(io.BytesIO(result)).info["Comment"] == "hello"


def test_blocks_of_a_tiff_are_kept() -> None:
    tags = [
        (33723, "B", len(CAPTION), CAPTION, True),
        (34377, "B", len(RESOURCES), RESOURCES, True),
    ]
    data = tiff_of(pixels(9, 9, 3), extratags=tags)
    assert {"IPTC", "EXIF"} >= set(images.read(data).contents) >= {"IPTC"}
    result, warnings = written(data)
    assert warnings == ()
    with tifffile.TiffFile(io.BytesIO(result)) as file:
        assert bytes(file.pages[0].tags[33723].value) == CAPTION
        assert bytes(file.pages[0].tags[34377].value) == RESOURCES
