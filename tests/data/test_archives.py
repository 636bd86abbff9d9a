"""Archives are unpacked whole or not at all, and never outside their folder."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdenoise.data import archives
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


def test_names_that_begin_with_the_current_folder_are_usual(tmp_path):
    archive = tar_of(tmp_path / "archive", {"./a": b"A", "./sub/b": b"B"})
    assert content_of(unpack(archive, tmp_path / "out")) == {"a": b"A", "sub/b": b"B"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "sub/../../evil",
        "sub/..",
        "/evil",
        "//evil",
        "..",
        "C:/evil",
        "C:evil",
        "..\\evil",
        "\\evil",
        ".. /evil",
        "evil:stream",
        "line\nbreak",
    ],
)
def test_a_path_that_could_leave_the_folder_is_refused(tmp_path, kind, name):
    archive = archive_of(kind, tmp_path / "archive", {"good": b"good", name: b"evil"})
    refused(archive, tmp_path / "out", "could leave its folder")


def test_a_folder_above_is_refused_too(tmp_path):
    archive = tar_of(tmp_path / "archive", {"../evil": b""}, type=tarfile.DIRTYPE)
    refused(archive, tmp_path / "out", "could leave its folder")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    archive = tar_of(tmp_path / "archive", {"thing": b""}, type=kind, linkname="../secret")
    refused(archive, tmp_path / "out", "'thing' is a link or a device")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, kind):
    attributes = (kind | 0o644) << 16
    archive = zip_of(tmp_path / "archive", {"thing": b"../secret"}, external_attr=attributes)
    refused(archive, tmp_path / "out", "'thing' is a link or a device")


def test_a_link_to_write_through_is_refused_whole(tmp_path):
    (tmp_path / "secret").mkdir()
    with tarfile.open(tmp_path / "archive", "w") as packed:
        link = tarfile.TarInfo("door")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        packed.addfile(link)
        packed.addfile(tarfile.TarInfo("door/evil"))
    refused(tmp_path / "archive", tmp_path / "out", "'door' is a link")


def test_folders_are_made_for_their_files_only(tmp_path):
    archive = zip_of(tmp_path / "archive", {"full/": b"", "full/a": b"A", "bare/": b""})
    folder = unpack(archive, tmp_path / "out")
    assert content_of(folder) == {"full/a": b"A"}
    assert not (folder / "bare").exists()


def test_a_file_without_a_name_is_refused(tmp_path):
    archive = zip_of(tmp_path / "archive", {"x": b"X"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"x")] = content[content.rindex(b"x")] = 0  # `zipfile` ends a name here
    archive.write_bytes(content)
    refused(archive, tmp_path / "out", "has no name")


def test_permissions_are_not_taken_over(tmp_path):
    archive = tar_of(tmp_path / "archive", {"tool": b""}, permissions=0o6777)
    folder = unpack(archive, tmp_path / "out")
    assert stat.S_IMODE((folder / "tool").stat().st_mode) & 0o7111 == 0


@pytest.mark.parametrize("twin", ["a", "./a", ".//a"])
def test_a_file_that_is_there_twice_is_refused(tmp_path, twin):
    with tarfile.open(tmp_path / "archive", "w") as packed:
        for name in ("a", twin):
            packed.addfile(tarfile.TarInfo(name))
    refused(tmp_path / "archive", tmp_path / "out", "'a' is there twice".replace("a", twin, 1))


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path):
    archive = tar_of(tmp_path / "archive", {"a": b"", "a/b": b""})
    refused(archive, tmp_path / "out", "can't unpack")


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_the_limit_is_refused(tmp_path, kind):
    archive = archive_of(kind, tmp_path / "archive", {"a": bytes(600_000), "b": bytes(400_001)})
    refused(archive, tmp_path / "out", "more than the 1.0 MB allowed", limit=1_000_000)
    unpack(archive, tmp_path / "out", limit=1_000_001)


def test_a_huge_member_is_refused_without_reading_it(tmp_path):
    info = tarfile.TarInfo("bomb")
    info.size = 10**15
    (tmp_path / "archive").write_bytes(info.tobuf(tarfile.GNU_FORMAT))
    refused(tmp_path / "archive", tmp_path / "out", "more than the 64.0 GB allowed")


def test_a_zip_that_claims_less_than_it_holds_is_stopped(tmp_path):
    archive = zip_of(tmp_path / "archive", {"bomb": bytes(1_000_000)})
    content = archive.read_bytes()
    claim, lie = (number.to_bytes(4, "little") for number in (1_000_000, 1000))
    assert content.count(claim) == 2  # in the member's header and in the list at the end
    archive.write_bytes(content.replace(claim, lie))
    reports = []
    refused(archive, tmp_path / "out", "damaged", report=lambda *now: reports.append(now))
    assert all(done <= 1000 for done, _ in reports)


def test_a_zip_that_claims_more_than_it_holds_is_damaged(tmp_path):
    archive = zip_of(tmp_path / "archive", {"a": bytes(1000)})
    claim, lie = (number.to_bytes(4, "little") for number in (1000, 1001))
    archive.write_bytes(archive.read_bytes().replace(claim, lie))
    refused(archive, tmp_path / "out", "not as long as it says")


def test_a_negative_size_in_a_tar_ends(tmp_path):
    head = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    head[124:136] = b"\xff" * 10 + b"\xfe\x00"  # -512 in base 256
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\x00 " % sum(head[:512])
    (tmp_path / "archive").write_bytes(bytes(head) + bytes(1024))
    refused(tmp_path / "archive", tmp_path / "out", "negative size")


def test_no_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "archive", FILES)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**6, 10**6, 3000))
    reports = []
    with pytest.raises(DataError, match=r"no room in .*: 3\.0 kB needed, 3\.0 kB free"):
        unpack(archive, tmp_path / "out", report=lambda *now: reports.append(now))
    assert reports == []
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.part").exists()


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "archive", FILES)
    whole = Path.open

    def opened(path, mode="r", *args, **kwargs):
        if mode == "xb" and path.name == "b.txt":
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)
    refused(archive, tmp_path / "out", "No space left on device")


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


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_cut_anywhere_is_damaged(tmp_path, kind):
    noise = {f"{i}.bin": os.urandom(700) for i in range(3)}
    content = archive_of(kind, tmp_path / "whole", noise).read_bytes()
    if kind == "tar":
        content = content[: 3 * 1536 + 512]  # the rest is padding
    for length in {*range(0, len(content), 256), len(content) - 1}:
        (tmp_path / "archive").write_bytes(content[:length])
        refused(tmp_path / "archive", tmp_path / "out", "damaged")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, 10**11
    with gzip.open(tmp_path / "archive", "wb") as packed:
        packed.write(info.tobuf(tarfile.GNU_FORMAT))
        packed.write(bytes(3_000_000))
    refused(tmp_path / "archive", tmp_path / "out", "has a header of 1000000")


def test_a_packed_tar_that_never_ends_is_stopped(tmp_path):
    (tmp_path / "archive").write_bytes(
        gzip.compress(tarfile.TarInfo("a").tobuf() + bytes(2_000_000))
    )
    refused(tmp_path / "archive", tmp_path / "out", "goes on after its end", limit=1_000_000)


def test_an_encrypted_zip_is_one_line(tmp_path):
    archive = zip_of(tmp_path / "archive", {"a": b"A"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1  # the flag, in the member's header and in the list at the end
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    refused(archive, tmp_path / "out", "is encrypted, password required")


def test_an_unusual_packing_is_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive", "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a", b"A")
    refused(tmp_path / "archive", tmp_path / "out", "packed by method 14")


SOUND = {}
with tempfile.TemporaryDirectory() as made:
    for made_kind in KINDS:
        made_of = {"a.txt": b"some text, some text", "sub/b.txt": bytes(range(256))}
        SOUND[made_kind] = archive_of(made_kind, Path(made) / "archive", made_of).read_bytes()
SOUND["tar"] = SOUND["tar"][:3584]
SOUND["packed tar"] = gzip.decompress(SOUND["tar.gz"])[:3584]


@pytest.mark.parametrize("kind", [*KINDS, "packed tar"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_unpacks_whole_or_is_refused(kind, data):
    content = bytearray(SOUND[kind])
    for _ in range(data.draw(st.integers(1, 4), label="faults")):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    packed = gzip.compress(content) if kind == "packed tar" else bytes(content)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "archive").write_bytes(packed)
        complaint = None
        try:
            unpack(folder / "archive", folder / "out", limit=10**6)
        except DataError as error:
            complaint = str(error)
        assert (folder / "out").exists() == (complaint is None)
        assert "\n" not in (complaint or "")
        allowed = {"archive", "out", "out.lock"}
        assert {file.name for file in folder.iterdir()} <= allowed


def test_what_the_callbacks_raise_is_not_blamed_on_the_archive(tmp_path):
    def members(name):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        unpack(zip_of(tmp_path / "archive", FILES), tmp_path / "out", members=members)
    assert not issubclass(DataError, archives._DAMAGE)
