"""Unpack archives that strangers packed: nothing leaves the folder, nothing half-done stays.

Only plain files are written, and only below a fresh folder in which no link can exist, because
none is ever made. So it is enough to look at each name. All names and sizes are checked before
the first byte is written, and the sizes once more while writing, since they are only claims.
"""

from __future__ import annotations

import gzip
import io
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from flowdenoise.errors import DataError
from flowdenoise.system.cache import exclusive, readable_size, require_room

Members = Callable[[str], bool]
"""Says of a name in an archive whether it is wanted."""

Report = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes that there will be, if that is known."""

LIMIT = 64 * 10**9
"""Bytes that an archive may unpack to unless the caller says otherwise."""

_BLOCK = 1 << 20
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP_MAGIC = b"\x1f\x8b"
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,  # an encrypted zip
    struct.error,  # these three: numbers in damaged headers
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class _Entry:
    """One thing in an archive.

    Attributes:
        name: As the archive spells it.
        size: Bytes when unpacked, as the archive claims.
        kind: The bits of `stat` for what it is: `S_IFREG` a file, `S_IFDIR` a folder.
        open: Gives the bytes.
    """

    name: str
    size: int
    kind: int
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path,
    folder: Path,
    *,
    members: Members | None = None,
    limit: int = LIMIT,
    report: Report | None = None,
) -> Path:
    """Unpack a zip, tar or tar.gz as a new folder, all of it or nothing.

    Args:
        archive: The kind is told from its content.
        folder: Must be absent or empty. It gets its name when all files are in it.
        members: Files for which this is false are left out. Empty folders always are.
        limit: The most bytes that the archive may unpack to.
        report: Told about progress, in unpacked bytes.

    Returns:
        The folder, as an absolute path.

    Raises:
        DataError: The archive is damaged, too large, holds nothing that is wanted, or a path
            that would leave the folder, a link or a device; or the disk is full.
    """
    folder = folder.resolve()
    part = folder.with_name(folder.name + ".part")
    with exclusive(folder):
        try:
            if is_filled(folder):
                raise DataError(f"{folder} is already there: remove it to unpack it again")
            shutil.rmtree(part, ignore_errors=True)  # left by a process that was killed
            part.mkdir()
            _unpack_into(part, archive, members, limit, report)
            if folder.exists():
                folder.rmdir()
            part.replace(folder)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"can't unpack {archive} as {folder}: {reason}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def is_filled(folder: Path) -> bool:
    """Whether something goes by this name that is not an empty folder."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))


def _unpack_into(
    part: Path, archive: Path, members: Members | None, limit: int, report: Report | None
) -> None:
    with ExitStack() as stack:
        with _blamed_on(archive):
            entries = _open(archive, limit, stack)
        wanted = _choose(entries, archive, members, limit)
        total = sum(entry.size for entry in wanted.values())
        require_room(part, total)
        done = 0
        for path, entry in wanted.items():
            file = part / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as sink:
                for block in _blocks(entry, archive):
                    sink.write(block)
                    done += len(block)
                    if report:
                        report(done, total)


def _choose(
    entries: list[_Entry], archive: Path, members: Members | None, limit: int
) -> dict[PurePosixPath, _Entry]:
    """The files to write by their place, checked."""
    if sum(entry.size for entry in entries) > limit:
        raise DataError(f"{archive} unpacks to more than the {readable_size(limit)} allowed")
    wanted: dict[PurePosixPath, _Entry] = {}
    for entry in entries:
        if members is not None and not members(entry.name):
            continue
        path = _safe_path(entry.name, archive)
        if entry.kind == stat.S_IFDIR:
            continue
        if entry.kind != stat.S_IFREG:
            raise DataError(f"{archive} is refused: {entry.name!r} is a link or a device")
        if path in wanted or not path.parts:
            raise DataError(f"{archive} is refused: {entry.name!r} is there twice or has no name")
        wanted[path] = entry
    if not wanted:
        raise DataError(f"{archive} holds none of the files that are wanted")
    return wanted


def _safe_path(name: str, archive: Path) -> PurePosixPath:
    """The place of a member below the folder, on every platform.

    Windows takes a backslash for a separator and a colon for the end of a drive's name or the
    start of a hidden stream, and drops dots and spaces at the end of names: `.. ` is `..`.
    """
    path = PurePosixPath(name)
    unsafe = (
        path.is_absolute()
        or any(part != part.rstrip(". ") for part in path.parts)
        or any(letter in "\\:" or ord(letter) < 32 for letter in name)
    )
    if unsafe:
        raise DataError(f"{archive} is refused: the path {name!r} could leave its folder")
    return path


def _blocks(entry: _Entry, archive: Path) -> Iterator[bytes]:
    """The bytes of an entry: as many as it claims to have, or an error."""
    left = entry.size
    with ExitStack() as stack:
        with _blamed_on(archive):
            source = entry.open()
        stack.enter_context(source)
        while True:
            with _blamed_on(archive):
                block = source.read(_BLOCK)
            left -= len(block)
            if left < 0 or (left > 0 and not block):
                raise DataError(f"{archive} is damaged: {entry.name!r} is not as long as it says")
            if not block:
                return
            yield block


@contextmanager
def _blamed_on(archive: Path) -> Iterator[None]:
    """Turn what the readers raise at damaged archives into one kind of error."""
    try:
        yield
    except _DAMAGE as error:
        raise DataError(
            f"{archive} is damaged, or is no zip, tar or tar.gz archive: {error}"
        ) from error


def _open(archive: Path, limit: int, stack: ExitStack) -> list[_Entry]:
    """What is in the archive, which stays open as long as `stack`."""
    stream = stack.enter_context(archive.open("rb"))
    magic = stream.read(4)
    stream.seek(0)
    if magic in _ZIP_MAGIC:
        zipped = stack.enter_context(zipfile.ZipFile(stream))
        return [_zip_entry(zipped, info) for info in zipped.infolist()]
    if magic.startswith(_GZIP_MAGIC):
        plain = _Sparing(stack.enter_context(gzip.GzipFile(fileobj=stream)))
    else:
        plain = _Sparing(stream)
    stack.enter_context(plain)
    tar = tarfile.open(fileobj=plain, mode="r:")  # noqa: SIM115 (the next line does)
    return _tar_entries(stack.enter_context(tar), plain, limit)


class _Sparing(io.BufferedReader):
    """A stream that won't be read in large pieces, as `tarfile` does where a header says so."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _BLOCK:
            raise tarfile.ReadError(f"it has a header of {size} bytes")
        return super().read(size)


def _zip_entry(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{info.filename!r} is packed by method {info.compress_type}")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.filename.endswith("/"):  # `is_dir` fails at an empty name
        kind = stat.S_IFDIR
    return _Entry(info.filename, info.file_size, kind or stat.S_IFREG, lambda: zipped.open(info))


def _tar_entries(tar: tarfile.TarFile, plain: IO[bytes], limit: int) -> list[_Entry]:
    entries: list[_Entry] = []
    total = 0
    for info in tar:
        # Reading on would unpack what lies between, and a negative size would turn it in a circle.
        total += info.size
        if info.size < 0:
            raise tarfile.ReadError(f"{info.name!r} has a negative size")
        entries.append(_tar_entry(tar, info))
        if total > limit:
            return entries
    plain.seek(tar.offset)
    _read_end(plain, limit)
    return entries


def _read_end(plain: IO[bytes], limit: int) -> None:
    """Check what comes after the last member, of which `tarfile` takes no notice.

    An archive that was cut between two members lacks the block of zeros; one that was cut in the
    last bytes lacks the checksum of gzip, which is looked at by reading to the very end.
    """
    if plain.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("its end is missing")
    length = 0
    while block := plain.read(_BLOCK):
        length += len(block)
        if length > limit:
            raise tarfile.ReadError("it goes on after its end")


def _tar_entry(tar: tarfile.TarFile, info: tarfile.TarInfo) -> _Entry:
    kind = stat.S_IFDIR if info.isdir() else stat.S_IFREG if info.isreg() else stat.S_IFLNK
    return _Entry(info.name, info.size, kind, lambda: tar.extractfile(info) or io.BytesIO())
