"""A file appears as a whole or not at all, and what was there before is safe until then."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from image_files import pixels
from PIL import Image

from flowdenoise import images
from flowdenoise.errors import ImageError, ImageWriteError
from flowdenoise.images import writing

PICTURE = images.Picture(pixels(64, 64, 3))
OLD = b"what was here before"


def test_a_file_is_replaced_and_no_other_is_left(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(OLD)
    images.write(PICTURE, target)
    np.testing.assert_array_equal(images.read(target).samples, PICTURE.samples)
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".bmp"])
@pytest.mark.parametrize("trouble", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failure_midway_leaves_the_old_file_and_nothing_else(
    suffix: str, trouble: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / f"out{suffix}"
    target.write_bytes(OLD)
    encode_into = writing._encode_into

    def interrupted(*arguments: object) -> tuple[str, ...]:
        encode_into(*arguments)  # type: ignore[arg-type]
        raise trouble

    monkeypatch.setattr(writing, "_encode_into", interrupted)
    expected = KeyboardInterrupt if isinstance(trouble, KeyboardInterrupt) else ImageWriteError
    with pytest.raises(expected):
        images.write(PICTURE, target)
    assert target.read_bytes() == OLD
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("shape", [(700, 900, 3), (1, 1, 1)])
def test_a_png_file_of_several_threads_is_that_of_one(shape: tuple[int, int, int]) -> None:
    picture = images.Picture(pixels(*shape))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone, _ = images.encode(picture, "PNG")
        torch.set_num_threads(2)
        together, _ = images.encode(picture, "PNG")
    finally:
        torch.set_num_threads(before)
    assert alone == together
    decoded = Image.open(io.BytesIO(together))
    np.testing.assert_array_equal(np.asarray(decoded).reshape(shape), picture.samples)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".bmp"])
def test_a_disk_that_is_full_is_an_error_of_writing(suffix: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    target = tmp_path / f"out{suffix}"
    target.write_bytes(OLD)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(ImageWriteError, match=re.escape(f"{target}: can't be written: ")):
            images.write(images.Picture(noise), target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == OLD
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="it is a folder"):
        images.write(PICTURE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match=r"gone/out\.png: can't be written: no such file"):
        images.write(PICTURE, tmp_path / "gone" / "out.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageWriteError, match="not a regular file"):
        images.write(PICTURE, tmp_path / "pipe.png")


def test_a_write_protected_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(OLD)
    target.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_: False)  # the super-user may write anything
    with pytest.raises(ImageWriteError, match="write-protected"):
        images.write(PICTURE, target)
    assert target.read_bytes() == OLD


@pytest.mark.usefixtures("permissions_hold")
def test_an_unwritable_folder_is_an_error_of_writing(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(ImageWriteError, match="permission denied"):
        images.write(PICTURE, tmp_path / "out.png")


@pytest.mark.skipif(os.name == "nt", reason="other permissions")
def test_permissions_are_kept_and_new_files_get_the_usual_ones(tmp_path: Path) -> None:
    old = tmp_path / "old.png"
    old.write_bytes(OLD)
    old.chmod(0o640)
    images.write(PICTURE, old)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    usual = tmp_path / "usual"
    usual.touch()
    images.write(PICTURE, tmp_path / "new.png")
    assert (tmp_path / "new.png").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_written_through(exists: bool, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    file, link = tmp_path / "store" / "real.png", tmp_path / "link.png"
    if exists:
        file.write_bytes(OLD)
    link.symlink_to(file)
    images.write(PICTURE, link)
    assert link.is_symlink()
    assert file.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in file.parent.iterdir()] == ["real.png"]


def test_a_name_as_long_as_names_get_works(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 251 + ".png")
    images.write(PICTURE, target)
    assert images.read(target).format == "PNG"


def test_the_ending_of_the_name_decides_and_the_source_where_there_is_none(
    tmp_path: Path,
) -> None:
    picture = images.Picture(PICTURE.samples, format="BMP")
    for name, kind in (("a.TIFF", "TIFF"), ("b", "BMP"), ("c.weird", "BMP"), ("d.jpeg", "JPEG")):
        images.write(picture, tmp_path / name)
        assert images.read(tmp_path / name).format == kind
    images.write(picture, tmp_path / "e.png", format="jpg")
    assert images.read(tmp_path / "e.png").format == "JPEG"


def test_gif_is_not_written_and_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match=r"GIF can't be written; name it \.png"):
        images.write(PICTURE, tmp_path / "out.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_from_a_gif_goes_to_a_stream_as_png() -> None:
    picture = images.Picture(PICTURE.samples, format="GIF")
    for asked in (None, "GIF"):
        data, warnings = images.encode(picture, asked)
        assert data.startswith(b"\x89PNG")
        assert warnings == ("GIF is not written: it becomes PNG",)


def test_bytes_are_written_as_a_whole(tmp_path: Path) -> None:
    images.write_bytes(tmp_path / "copy", OLD)
    assert (tmp_path / "copy").read_bytes() == OLD
    with pytest.raises(ImageWriteError, match="it is a folder"):
        images.write_bytes(tmp_path, OLD)


def test_a_stream_gets_the_bytes_that_a_file_gets(tmp_path: Path) -> None:
    stream = io.BytesIO()
    images.write(PICTURE, stream)
    images.write(PICTURE, tmp_path / "out.png")
    assert stream.getvalue() == (tmp_path / "out.png").read_bytes()
    assert images.encode(PICTURE) == (stream.getvalue(), ())


def test_a_broken_pipe_is_an_error_of_writing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe, pytest.raises(ImageWriteError):
        images.write(PICTURE, pipe)  # type: ignore[arg-type]


def test_a_diagnostic_picture_is_eight_bit_png(tmp_path: Path) -> None:
    tensor = torch.tensor([[[-1.0, 0.0, 0.5, 1.0, 7.0]]])
    images.write_png(tmp_path / "picture", tensor)
    picture = images.read(tmp_path / "picture")
    assert (picture.format, picture.source_mode) == ("PNG", "gray")
    assert picture.samples[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    with pytest.raises(ImageError, match="not a finite number"):
        images.write_png(tmp_path / "broken", torch.full((3, 2, 2), torch.nan))
    assert not (tmp_path / "broken").exists()
