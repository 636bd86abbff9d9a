"""Unpack archives whose bytes are known by their hash: all files of one, or nothing.

What keeps a member inside its folder, and links and devices out of it, are the filters of the
standard library's own `zipfile` and `tarfile`.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from flowdenoise.errors import DataError
from flowdenoise.system.cache import exclusive, require_room

Members = Callable[[str], bool]
"""Says of a name in an archive whether it is wanted."""

Report = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes that there will be, if that is known."""

_CHUNK = 1 << 20

_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,  # what zipfile raises for a zip that is packed by a rare method
    UnicodeError,
)


def unpack(
    archive: Path, folder: Path, *, members: Members | None = None, report: Report | None = None
) -> Path:
    """Unpack a zip, tar or tar.gz as a new folder, all of it or nothing.

    Args:
        archive: The kind is told from its content.
        folder: Must be absent or empty. It gets its name when all files are in it.
        members: Files for which this is false are left out. Empty folders always are.
        report: Called with the progress, in unpacked bytes.

    Returns:
        The folder, as an absolute path.

    Raises:
        DataError: The archive is damaged, holds nothing that is wanted, or holds a device or a
            link that leads out of the folder; or the disk is full.
    """
    folder = folder.resolve()
    part = folder.with_name(folder.name + ".part")
    with exclusive(folder):
        try:
            if is_filled(folder):
                raise DataError(f"{folder} is already there: remove it to unpack it again")
            shutil.rmtree(part, ignore_errors=True)  # left by a process that was killed
            part.mkdir()
            extract = _extract_zip if zipfile.is_zipfile(archive) else _extract_tar
            if not extract(archive, part, members or (lambda name: True), report):
                raise DataError(f"{archive} holds none of the files that are wanted")
            if folder.exists():
                folder.rmdir()
            part.replace(folder)
        except _DAMAGE as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{archive} is damaged, or is no zip, tar or tar.gz archive: {reason}"
            ) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataError(f"can't unpack {archive} as {folder}: {reason}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def is_filled(folder: Path) -> bool:
    """Whether something goes by this name that is not an empty folder."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def _extract_zip(archive: Path, part: Path, wanted: Members, report: Report | None) -> int:
    """Write the wanted files of a zip; returns how many there are."""
    with zipfile.ZipFile(archive) as packed:
        files = [i for i in packed.infolist() if not i.is_dir() and wanted(i.filename)]
        done, total = 0, sum(info.file_size for info in files)
        require_room(part, total)
        for info in files:
            packed.extract(info, part)
            done += info.file_size
            if report:
                report(done, total)
    return len(files)


def _extract_tar(archive: Path, part: Path, wanted: Members, report: Report | None) -> int:
    """Write the wanted files of a tar; returns how many there are."""
    with tarfile.open(archive) as packed:
        files = [info for info in packed if not info.isdir() and wanted(info.name)]
        done, total = 0, sum(info.size for info in files)
        require_room(part, total)
        for info in files:
            packed.extract(info, part, filter="data")
            done += info.size
            if report:
                report(done, total)
        while packed.fileobj is not None and packed.fileobj.read(_CHUNK):
            pass  # the sum of what is packed stands at its very end
    return len(files)
