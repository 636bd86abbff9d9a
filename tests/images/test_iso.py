"""The ISO at which a photograph was taken, as EXIF states it in files of all kinds."""

from __future__ import annotations

import pytest
from image_files import exif_block, image_of, pillow_file, pixels, png_of

from flowdenoise import images
from flowdenoise.images import Picture
from flowdenoise.images.metadata import Metadata


def iso_of(block: bytes) -> int | None:
    return Metadata(exif=block.removeprefix(b"Exif\0\0")).iso


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_iso_of_a_file_is_read_and_carried_over(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    image = image_of(pixels(64, 80, 3))
    picture = images.read(pillow_file(image, kind, exif=exif_block(iso=640)))
    assert picture.metadata.iso == 640
    assert images.read(images.encode(picture)[0]).metadata.iso == 640


def test_the_iso_of_a_png_is_read() -> None:
    chunks = ((b"eXIf", exif_block(iso=12800)[6:]),)
    assert images.read(png_of(pixels(9, 9, 3), chunks)).metadata.iso == 12800


@pytest.mark.parametrize("stated", [0, 1, 65535, 4_000_000_000, "640", b"640", 640.5])
def test_an_iso_that_no_camera_states_is_none(stated: object) -> None:
    assert iso_of(exif_block(iso=stated)) is None


def test_the_first_of_several_counts() -> None:
    assert iso_of(exif_block(iso=(200, 400))) == 200


def test_without_exif_there_is_no_iso() -> None:
    assert Picture(pixels(8, 8, 3)).metadata.iso is None
    assert iso_of(exif_block()) is None


def test_damaged_exif_has_no_iso_or_the_true_one() -> None:
    block = exif_block(iso=800)[6:]
    assert iso_of(block) == 800
    assert {iso_of(block[:end]) for end in range(len(block))} == {None, 800}
    for place in range(len(block)):
        iso_of(block[:place] + b"\xff" + block[place + 1 :])  # nothing is raised
