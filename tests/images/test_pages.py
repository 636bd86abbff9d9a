"""All pages of a TIFF file, each when it is asked for, with what describes them."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from image_files import ICC, Array, image_of, pillow_file, pixels
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageReadError
from flowdenoise.images.in_memory import unpack

OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/'
    '2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
    'SizeX="50" SizeY="40" SizeZ="3" SizeC="1" SizeT="1"><TiffData/></Pixels></Image></OME>'
)


def stack(count: int = 3, channels: int = 1, dtype: str = "uint16") -> Array:
    """Different pages, (N, H, W) or (N, H, W, C)."""
    page = pixels(40, 50, channels, dtype)
    return np.stack([np.roll(page, 5 * number, axis=1) for number in range(count)]).squeeze()


def written(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    first, *further = images.read_pages(data)
    return images.encode(first, further=further)


def file_of(**options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, **options)  # type: ignore[arg-type]
    return file.getvalue()


KINDS = {
    "plain": {"data": stack(), "metadata": None, "photometric": "minisblack"},
    "color": {"data": stack(3, 3, "uint8"), "metadata": None, "photometric": "rgb"},
    "ImageJ": {"data": stack(), "imagej": True, "metadata": {"slices": 3, "unit": "um"}},
    "OME": {"data": stack(), "description": OME, "metadata": None, "photometric": "minisblack"},
    "big": {"data": stack(), "metadata": None, "bigtiff": True, "photometric": "minisblack"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_pages_come_in_and_go_out(kind: str) -> None:
    data = file_of(**KINDS[kind])
    pages = list(images.read_pages(data))
    assert [page.pages for page in pages] == [3, 3, 3]
    for page, expected in zip(pages, KINDS[kind]["data"], strict=True):
        np.testing.assert_array_equal(page.samples.squeeze(), expected)
    result, warnings = written(data)
    assert warnings == ()
    with tifffile.TiffFile(io.BytesIO(data)) as old, tifffile.TiffFile(io.BytesIO(result)) as new:
        assert len(new.pages) == 3
        np.testing.assert_array_equal(new.asarray(), KINDS[kind]["data"])
        assert new.pages[0].description == old.pages[0].description
        assert (new.is_imagej, new.is_ome) == (old.is_imagej, old.is_ome)
        assert new.imagej_metadata == old.imagej_metadata


DENSITIES = {  # what a file states: options of tifffile
    "ImageJ's, in micrometers": {
        "imagej": True,
        "resolution": (10, 10),
        "metadata": {"axes": "ZYX", "unit": "um", "spacing": 0.5},
    },
    "of oblong pixels": {"imagej": True, "resolution": (10, 5)},
    "below one": {"imagej": True, "resolution": (0.25, 0.25)},
    "a whole pixel": {"imagej": True, "resolution": (1, 1)},
    "fine": {"imagej": True, "resolution": (9.233610341643583, 9.233610341643583)},
    "beyond 65535": {"resolution": (2_000_000, 2_000_000), "resolutionunit": "CENTIMETER"},
    "per centimeter": {"resolution": (118.11, 118.11), "resolutionunit": "CENTIMETER"},
    "per inch": {"resolution": (300, 150), "resolutionunit": "INCH"},
}


@pytest.mark.parametrize("name", DENSITIES)
def test_each_page_keeps_its_density_as_the_file_states_it(name: str) -> None:
    data = file_of(data=stack(), photometric="minisblack", **DENSITIES[name])
    result, warnings = written(data)
    assert warnings == ()
    assert densities(result) == densities(data)


def densities(data: bytes) -> list[list[object]]:
    """Density and unit of each page."""
    names = "XResolution", "YResolution", "ResolutionUnit"
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        stated = [[page.tags[name].value for name in names] for page in file.pages]
    return [[across[0] / across[1], along[0] / along[1], unit] for across, along, unit in stated]


def test_a_density_turns_with_its_page() -> None:
    options = {"resolution": (10, 5), "resolutionunit": "CENTIMETER", "photometric": "minisblack"}
    sideways = (274, "H", 1, 6, True)
    data = file_of(data=stack(1), metadata=None, extratags=[sideways], **options)
    assert densities(written(data)[0]) == [[5, 10, 3]]


@pytest.mark.parametrize(
    ("between", "options"),
    [
        ("PNG", {"imagej": True, "resolution": (10, 10), "metadata": {"unit": "um"}}),
        ("PNG", DENSITIES["per centimeter"]),
        ("JPEG", DENSITIES["per centimeter"]),
    ],
)
def test_a_density_comes_back_from_another_format(
    between: str, options: dict[str, object]
) -> None:
    data = file_of(data=stack(1, dtype="uint8"), photometric="minisblack", **options)
    there, _ = images.encode(images.read(data), between)
    assert densities(images.encode(images.read(there), "TIFF")[0]) == densities(data)


def test_a_density_that_another_one_replaced_is_not_written() -> None:
    picture = images.read(file_of(data=stack(1), **DENSITIES["per centimeter"]))
    picture = replace(picture, metadata=replace(picture.metadata, dpi=(72.0, 72.0)))
    assert densities(images.encode(picture)[0]) == [[72, 72, 2]]


def test_pages_that_differ_keep_what_is_theirs() -> None:
    scans = [image_of(pixels(40, 50, 3)), image_of(pixels(30, 20, 3)).convert("L")]
    data = pillow_file(
        scans[0], "TIFF", save_all=True, append_images=scans[1:], icc_profile=ICC, dpi=(300, 300)
    )
    result, _ = written(data)
    with Image.open(io.BytesIO(result)) as file:
        assert (file.n_frames, file.mode, file.size) == (2, "RGB", (50, 40))
        file.seek(1)
        assert (file.mode, file.size) == ("L", (20, 30))
        np.testing.assert_array_equal(np.asarray(file), np.asarray(scans[1]))


def test_what_a_further_page_loses_is_told() -> None:
    ink = bytes(16) + b"CMYK" + bytes(16) + b"acsp" + bytes(88)
    first = images.Picture(pixels(40, 50, 3))
    second = replace(first, metadata=images.Metadata(icc_profile=ink))
    _, warnings = images.encode(first, "TIFF", further=[second])
    assert [warning for warning in warnings if "profile is left out" in warning]


def test_scans_of_black_and_white_are_read_page_by_page() -> None:
    scans = [image_of(pixels(40, 50, 1)).rotate(turn).convert("1") for turn in (0, 90, 180)]
    data = pillow_file(
        scans[0], "TIFF", save_all=True, append_images=scans[1:], compression="group4"
    )
    for page, scan in zip(images.read_pages(data), scans, strict=True):
        np.testing.assert_array_equal(page.samples[..., 0], np.asarray(scan.convert("L")))


def test_pages_that_pillow_decodes_are_the_right_ones() -> None:
    scans = [image_of(pixels(40, 50, 3)).rotate(turn) for turn in (0, 180)]
    data = pillow_file(
        scans[0], "TIFF", save_all=True, append_images=scans[1:], compression="jpeg", quality=95
    )
    for page, scan in zip(images.read_pages(data), scans, strict=True):
        assert np.abs(page.samples.astype(int) - np.asarray(scan)).mean() < 5


def test_long_stacks_of_imagej_have_one_directory() -> None:
    data = file_of(data=stack(4), imagej=True, truncate=True)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert len(TagChain(data)) == 1
        assert file.imagej_metadata is not None
    pages = list(images.read_pages(data))
    for page, expected in zip(pages, stack(4), strict=True):
        np.testing.assert_array_equal(page.samples[..., 0], expected)
    assert pages[1].metadata == images.Metadata()
    result, _ = written(data)
    with tifffile.TiffFile(io.BytesIO(result)) as file:
        assert file.is_imagej
        np.testing.assert_array_equal(file.asarray(), stack(4))


class TagChain:
    """The chain of directories of a little-endian TIFF file."""

    def __init__(self, data: bytes) -> None:
        self.places, place = [], int.from_bytes(data[4:8], "little")
        while place:
            self.places.append(place)
            end = place + 2 + 12 * int.from_bytes(data[place : place + 2], "little")
            place = int.from_bytes(data[end : end + 4], "little")

    def __len__(self) -> int:
        return len(self.places)


def test_a_stack_of_imagej_that_is_cut_short_is_refused() -> None:
    data = file_of(data=stack(4), imagej=True, truncate=True)
    with pytest.raises(ImageReadError, match="cut short"):
        list(images.read_pages(data[:-2000]))


def test_reduced_copies_and_masks_are_no_pages() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(stack()[0], metadata=None)
        writer.write(stack()[0][::2, ::2], subfiletype=1, metadata=None)
        writer.write(stack()[1], metadata=None)
    pages = list(images.read_pages(file.getvalue()))
    assert len(pages) == 2
    np.testing.assert_array_equal(pages[1].samples[..., 0], stack()[1])
    assert "1 reduced copies or masks are left out" in pages[0].warnings


def test_a_single_reader_tells_of_further_pages() -> None:
    picture = images.read(file_of(**KINDS["plain"]))
    assert picture.warnings == ("of 3 pages the first is read, the rest is left out",)
    assert images.encode(picture, "PNG")[1] == ("PNG has no pages: of 3 the first is written",)


def test_a_chain_that_leads_nowhere_is_refused() -> None:
    data = bytearray(file_of(**KINDS["plain"]))
    last = TagChain(bytes(data)).places[-1]
    end = last + 2 + 12 * data[last]
    data[end : end + 4] = (len(data) + 1000).to_bytes(4, "little")
    with pytest.raises(ImageReadError, match="a TIFF directory lies beyond its end"):
        images.read(bytes(data))


def test_a_chain_that_is_a_ring_ends() -> None:
    data = bytearray(file_of(**KINDS["plain"]))
    places = TagChain(bytes(data)).places
    end = places[-1] + 2 + 12 * data[places[-1]]
    data[end : end + 4] = places[0].to_bytes(4, "little")
    assert len(list(images.read_pages(bytes(data)))) == 3


def test_memory_stays_that_of_a_page(tmp_path: object) -> None:
    page = np.zeros((500, 500, 1), np.uint16)

    def pages() -> Iterator[images.Picture]:
        for number in range(40):
            yield images.Picture(page + np.uint16(number), format="TIFF")

    data, _ = images.encode(images.Picture(page, format="TIFF"), further=pages())
    tracemalloc.start()
    count = 0
    for number, picture in enumerate(images.read_pages(data)):
        assert picture.samples[0, 0, 0] == max(0, number - 1)
        count += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 41
    assert peak < 8 * page.nbytes


def test_bytes_of_several_pages_are_denoised_as_a_whole() -> None:
    pictures, restore = unpack(file_of(**KINDS["plain"]))
    assert len(pictures) == 3
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(restore(pictures)[0])), stack())
