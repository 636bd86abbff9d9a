"""Archives are unpacked whole or not at all, and never outside their folder."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from flowdenoise.data.archives import unpack
from flowdenoise.errors import DataError

Usage = namedtuple("Usage", "total used free")
FILES = {"a.txt": b"A" * 3000, "sub/b.txt": b"B", "sub/deep/empty": b""}
KINDS = ["zip", "tar", "tar.gz"]


def zip_of(file: Path, members: dict[str, bytes], **attributes: Any) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            packed.writestr(info, content)
    return file


def tar_of(
    file: Path,
    members: dict[str, bytes],
    mode: str = "w:",
    permissions: int = 0o644,
    **attributes: Any,
) -> Path:
    with tarfile.open(file, mode) as packed:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = permissions
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            packed.addfile(info, io.BytesIO(content))
    return file


def archive_of(kind: str, file: Path, members: dict[str, bytes]) -> Path:
    if kind == "zip":
        return zip_of(file, members)
    return tar_of(file, members, "w:gz" if kind == "tar.gz" else "w:")


def content_of(folder: Path) -> dict[str, bytes]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def refused(archive: Path, folder: Path, match: str, **options: Any) -> None:
    """Unpacking fails in one line that names the archive, and nothing is left."""
    before = {file for file in folder.parent.rglob("*") if file.suffix != ".lock"}
    with pytest.raises(DataError, match=match) as caught:
        unpack(archive, folder, **options)
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {file for file in folder.parent.rglob("*") if file.suffix != ".lock"} == before


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_comes_out_as_it_went_in(tmp_path, kind):
    reports = []
    archive = archive_of(kind, tmp_path / "archive", FILES)
    folder = unpack(archive, tmp_path / "out", report=lambda *now: reports.append(now))
    assert content_of(folder) == FILES
    assert reports[-1] == (3001, 3001)
    assert {file.name for file in tmp_path.iterdir()} == {"archive", "out", "out.lock"}


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_wanted_members_come_out(tmp_path, kind):
    archive = archive_of(kind, tmp_path / "archive", {**FILES, "../unwanted": b""})
    folder = unpack(archive, tmp_path / "out", members=lambda name: name.endswith("b.txt"))
    assert content_of(folder) == {"sub/b.txt": b"B"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_without_anything_wanted_is_an_error(tmp_path, kind):
    archive = archive_of(kind, tmp_path / "archive", FILES)
    refused(archive, tmp_path / "out", "none of the files", members=lambda name: False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../evil", "sub/../../evil", "/evil", "//evil"])
def test_nothing_leaves_the_folder(tmp_path, kind, name):
    folder = tmp_path / "inner" / "out"
    folder.parent.mkdir()
    archive = archive_of(kind, tmp_path / "archive", {"good": b"good", name: b"evil"})
    with contextlib.suppress(DataError):
        unpack(archive, folder)
    outside = {file.name for file in tmp_path.rglob("*") if folder not in file.parents}
    assert outside <= {"inner", "archive", "out", "out.lock"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_that_lead_out_and_devices_are_refused(tmp_path, kind):
    archive = tar_of(tmp_path / "archive", {"thing": b""}, type=kind, linkname="../secret")
    refused(archive, tmp_path / "out", "thing")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_cut_anywhere_is_damaged(tmp_path, kind):
    noise = {f"{i}.bin": os.urandom(700) for i in range(3)}
    content = archive_of(kind, tmp_path / "whole", noise).read_bytes()
    for length in (*range(0, len(content), 256), len(content) - 3):
        (tmp_path / "archive").write_bytes(content[:length])
        refused(tmp_path / "archive", tmp_path / "out", "damaged")


def test_a_wrong_byte_in_a_zip_is_damage(tmp_path):
    archive = zip_of(tmp_path / "archive", {"a": os.urandom(500)})
    content = bytearray(archive.read_bytes())
    content[200] ^= 1
    archive.write_bytes(content)
    refused(archive, tmp_path / "out", "damaged")


def test_no_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "archive", FILES)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**6, 10**6, 3000))
    reports = []
    with pytest.raises(DataError, match=r"no room in .*: 3\.0 kB needed, 3\.0 kB free"):
        unpack(archive, tmp_path / "out", report=lambda *now: reports.append(now))
    assert reports == []
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.part").exists()


def test_an_interruption_leaves_nothing(tmp_path):
    archive = zip_of(tmp_path / "archive", FILES)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "out", report=interrupt)
    assert {file.name for file in tmp_path.iterdir()} == {"archive", "out.lock"}


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    archive = zip_of(tmp_path / "archive", FILES)
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / "stale").touch()
    assert content_of(unpack(archive, tmp_path / "out")) == FILES


def test_an_empty_folder_is_filled_and_a_full_one_left_alone(tmp_path):
    archive = zip_of(tmp_path / "archive", FILES)
    (tmp_path / "out").mkdir()
    folder = unpack(archive, tmp_path / "out")
    with pytest.raises(DataError, match="already there"):
        unpack(archive, folder)
    assert content_of(folder) == FILES


def test_a_missing_archive_is_one_line(tmp_path):
    refused(tmp_path / "archive", tmp_path / "out", "No such file")


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"PK\x03\x04", b"\x1f\x8b", b"\0" * 100])
def test_what_is_no_archive_is_one_line(tmp_path, content):
    (tmp_path / "archive").write_bytes(content)
    refused(
        tmp_path / "archive", tmp_path / "out", "is damaged, or is no zip, tar or tar.gz archive"
    )
