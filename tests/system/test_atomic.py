"""A file appears whole, on the disk, and for the eyes that its source was for."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flowdenoise.system import atomic
from flowdenoise.system.atomic import remove_leftovers, replacing

OLD, NEW = b"what was here before", b"what comes"

posix = pytest.mark.skipif(os.name == "nt", reason="Windows knows no such permissions")

WRITER = """
import sys, pathlib
from flowdenoise.system.atomic import replacing
with replacing(pathlib.Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def write(target: Path, **options: object) -> None:
    with replacing(target, **options) as file:  # type: ignore[arg-type]
        file.write(NEW)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_a_killed_writer_leaves_what_the_next_one_removes(tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_bytes(OLD)
    line = [sys.executable, "-c", WRITER, str(target)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        remove_leftovers(tmp_path)
        assert len(names(tmp_path)) == 2, "a living process needs its file"
        writer.send_signal(signal.SIGKILL)
    assert target.read_bytes() == OLD
    assert len(names(tmp_path)) == 2
    write(tmp_path / "other")
    assert names(tmp_path) == ["other", "result"]


@posix
def test_a_file_like_a_private_one_is_private_from_its_first_byte(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch(0o600)
    with replacing(tmp_path / "result", like=source.stat()) as file:
        file.write(NEW)
        (part,) = tmp_path.glob(".*")
        assert mode(part) == 0o600
    assert mode(tmp_path / "result") == 0o600


@posix
@pytest.mark.parametrize(("source_mode", "expected"), [(0o640, 0o640), (0o444, 0o644)])
def test_a_new_file_has_the_permissions_of_its_source_and_can_be_replaced(
    tmp_path: Path, source_mode: int, expected: int
) -> None:
    source = tmp_path / "source"
    source.touch()
    source.chmod(source_mode)
    write(tmp_path / "result", like=source.stat())
    assert mode(tmp_path / "result") == expected


@posix
def test_an_existing_file_keeps_its_own_permissions(tmp_path: Path) -> None:
    source, result = tmp_path / "source", tmp_path / "result"
    source.touch(0o666)
    result.touch()
    result.chmod(0o600)
    write(result, like=source.stat())
    assert mode(result) == 0o600


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch()
    os.chown(source, 1234, 2345)
    write(tmp_path / "result", like=source.stat())
    status = (tmp_path / "result").stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


@posix
def test_a_group_that_can_not_be_kept_gives_no_other_group_its_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    source = tmp_path / "source"
    source.touch()
    source.chmod(0o640)
    status = list(source.stat())
    status[stat.ST_GID] += 1
    monkeypatch.setattr(os, "fchown", refuse)
    write(tmp_path / "result", like=os.stat_result(status))
    assert mode(tmp_path / "result") == 0o600


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no second names here")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    target = tmp_path / "result"

    def meanwhile() -> None:
        with replacing(target, replace=False) as file:
            file.write(NEW)
            target.write_bytes(OLD)

    with pytest.raises(FileExistsError):
        meanwhile()
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["result"]
    write(tmp_path / "other", replace=False)
    assert names(tmp_path) == ["other", "result"]


def test_the_bytes_are_on_the_disk_before_they_have_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, atomic._rename
    monkeypatch.setattr(os, "fsync", lambda number: (order.append("sync"), fsync(number)))
    monkeypatch.setattr(
        atomic, "_rename", lambda *a, **k: (order.append("rename"), rename(*a, **k))
    )
    write(tmp_path / "result")
    assert order == (["sync", "rename"] if os.name == "nt" else ["sync", "rename", "sync"])


def test_what_does_not_reach_the_disk_does_not_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    target = tmp_path / "result"
    target.write_bytes(OLD)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="broken"):
        write(target)
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["result"]
