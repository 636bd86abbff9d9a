"""Which pictures the inputs name; nothing is left out in silence."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from image_files import image_of, pillow_file, pixels, tiff_of

from flowdenoise.errors import UsageError
from flowdenoise.images import SUFFIXES, Search, find
from flowdenoise.images.finding import OTHER_KINDS


def files(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return folder


def search(*inputs: Path | str, recursive: bool = False, results: Path | None = None) -> Search:
    return find([str(item) for item in inputs], recursive=recursive, results=results)


def names(found: Search) -> list[str]:
    return [item.path.name for item in found.found]


def reasons(found: Search) -> dict[str, str]:
    return {item.path.name: item.reason for item in found.left_out}


def test_brackets_in_names_of_folders_and_files_are_meant_literally(tmp_path: Path) -> None:
    files(tmp_path, "trip [2020]/a.png", "trip [2020]/b.jpg", "x[1].png")
    assert names(search(tmp_path / "x[1].png")) == ["x[1].png"]
    assert names(search(tmp_path / "trip [2020]" / "*.png")) == ["a.png"]
    assert names(search(tmp_path / "trip [2020]" / "[ab].*")) == ["a.png", "b.jpg"]


def test_patterns_reach_into_sub_folders(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "deep/b.PNG", "deep/deeper/c.png", "notes.txt")
    assert names(search(tmp_path / "**" / "*.[pP]*")) == ["a.png", "b.PNG", "c.png"]


@pytest.mark.parametrize("pattern", ["", "**/*.png"])
def test_folders_of_programs_are_not_searched(tmp_path: Path, pattern: str) -> None:
    files(tmp_path, "a.png", ".cache/b.png", "@eaDir/c.png", "x/@eaDir/d.png")
    found = search(tmp_path / pattern, recursive=True)
    assert names(found) == ["a.png"]
    assert set(reasons(found)) == {"@eaDir"}
    assert names(search(tmp_path / "@eaDir")) == ["c.png"]


@pytest.mark.parametrize("pattern", ["", "**/*.png"])
def test_linked_folders_are_told_and_not_followed(tmp_path: Path, pattern: str) -> None:
    files(tmp_path, "a.png", "deep/b.png")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = search(tmp_path / pattern, recursive=True)
    assert names(found) == ["a.png", "b.png"]
    assert reasons(found) == {"loop": "links to folders are not followed"}


def test_kinds_that_are_not_read_are_told(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "raw.CR2", "sheet.psd", "notes.txt")
    found = search(tmp_path)
    assert names(found) == ["a.png"]
    assert set(reasons(found)) == {"raw.CR2", "sheet.psd"}
    assert not any(item.lost for item in found.left_out)
    assert all(ending == ending.lower() for ending in OTHER_KINDS)
    assert not OTHER_KINDS.keys() & SUFFIXES


def test_every_kind_of_file_that_holds_a_picture_is_taken_or_told(tmp_path: Path) -> None:
    others = [f"raw.{kind}" for kind in ("3fr", "dcr", "fff", "iiq", "kdc", "mrw", "sr2", "srf")]
    files(tmp_path, "a.mpo", "b.hif", *others, "c.ico", "c.pcx", "notes.txt", "LICENSE")
    (tmp_path / "empty").touch()
    jpeg = pillow_file(image_of(pixels(8, 8, 3)), "JPEG")
    for name in ("IMG_1", "a.jpg_original", "scan 12.03"):
        (tmp_path / name).write_bytes(jpeg)
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    (tmp_path / "unknown.rawkind").write_bytes(tiff_of(pixels(8, 8, 1)))
    found = search(tmp_path)
    told = reasons(found)
    assert "a.mpo" in names(found)
    assert set(names(found)) | told.keys() == {
        *("a.mpo", "b.hif", *others, "c.ico", "c.pcx"),
        *("IMG_1", "a.jpg_original", "scan 12.03", "unknown.rawkind"),
    }
    assert told["IMG_1"].startswith("it begins like JPEG")
    assert told["unknown.rawkind"].startswith("it begins like TIFF")
    assert names(search(tmp_path / "IMG_1")) == ["IMG_1"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_file_is_told_in_a_folder_and_taken_if_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo("pipe.png")
    os.mkfifo("pipe")  # which nobody may open to look into it
    Path("nowhere.png").symlink_to("gone.png")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("sock.png")
        found = search(".")
    assert names(found) == ["a.png"]
    told = reasons(found)
    assert "a FIFO" in told["pipe.png"]
    assert "a socket" in told["sock.png"]
    assert "leads nowhere" in told["nowhere.png"]
    assert names(search("pipe.png", "nowhere.png")) == ["pipe.png", "nowhere.png"]


def test_what_is_not_there_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    files(tmp_path, "a.png")
    found = search(tmp_path / "a.png", tmp_path / "gone.png", tmp_path / "*.tif")
    assert names(found) == ["a.png"]
    assert [item.path.name for item in found.left_out if item.lost] == ["gone.png", "*.tif"]


def test_no_picture_at_all_is_a_mistake_in_the_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.png: there is no such file or folder"):
        search(tmp_path / "nothing.png")
    with pytest.raises(UsageError, match="no pictures in"):
        search(tmp_path)
    files(tmp_path, "photo.psd")
    with pytest.raises(UsageError, match="Photoshop pictures can't be read"):
        search(tmp_path)


def test_an_empty_input_is_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files(tmp_path, "a.png"))
    for inputs in ([""], ["a.png", ""]):
        with pytest.raises(UsageError, match="an input is empty"):
            search(*inputs)
    assert names(search(".")) == ["a.png"]


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\0b.png", "/".join(["x"] * 1000)])
def test_names_that_no_file_can_have_are_not_there(name: str) -> None:
    with pytest.raises(UsageError, match="no such file"):
        search(name)


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_that_can_not_be_searched_is_an_error_and_the_others_are(tmp_path: Path) -> None:
    files(tmp_path, "a.png", "closed/b.png", "open/c.png")
    (tmp_path / "closed").chmod(0)
    found = search(tmp_path, recursive=True)
    (tmp_path / "closed").chmod(0o700)
    assert names(found) == ["a.png", "c.png"]
    assert [(item.path.name, item.lost) for item in found.left_out] == [("closed", True)]
