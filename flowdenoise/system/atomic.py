"""Replacing a file as a whole: the old one stays as it is until the new one is complete.

The new file is written under a temporary name in the same folder, synced to the disk, and renamed.
It is locked as long as it is written. A lock ends with its process, even with one that was killed,
so a temporary file that nobody holds is a leftover, and the next run that writes there removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

if sys.platform != "win32":
    import fcntl

_PREFIX, _SUFFIX = ".flowdenoise-", ".part"
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would else translate line ends
_PRIVATE, _USUAL = 0o600, 0o666  # the process's umask is taken off the second

_tidied: set[Path] = set()


@contextlib.contextmanager
def replacing(
    target: Path, *, like: os.stat_result | None = None, replace: bool = True
) -> Iterator[BinaryIO]:
    """Write a file under a temporary name beside `target`, and rename it when all went well.

    A target that is a symbolic link is written through: the file that it names is replaced.
    Permissions and, where possible, the owner of an existing file are kept. After any failure, an
    interrupt included, the old file is untouched and the temporary one is gone. What has appeared
    under the name outlives a power cut.

    Args:
        target: The file, whose folder must exist.
        like: The status of the file whose permissions and owner a new file gets; its owner may
            write it in any case. None gives the usual ones.
        replace: Whether an existing file may be replaced, also one that appears meanwhile.

    Yields:
        The new file, open for writing and reading back, seekable.

    Raises:
        FileExistsError: The file exists, and `replace` is false.
        OSError: The file can't be written, is write-protected, or is no regular file.
    """
    final = Path(os.path.realpath(target))
    access = _access(final, like)
    if final.parent not in _tidied:
        remove_leftovers(final.parent)
        _tidied.add(final.parent)
    descriptor, temporary = _create(final.parent, _USUAL if access is None else _PRIVATE)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            if access is not None:
                _give(file.fileno(), temporary, access)
            _sync(file.fileno())
            if sys.platform != "win32":  # still locked
                _rename(temporary, final, replace=replace)
        if sys.platform == "win32":  # where no open file can be renamed
            _rename(temporary, final, replace=replace)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(final.parent)


def is_unfinished(file: Path) -> bool:
    """Whether a file is one that `replacing` is writing, or was when its process died."""
    return file.name.startswith(_PREFIX) and file.name.endswith(_SUFFIX)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of processes that died; those of living ones stay.

    A file that can't be removed, for instance in the folder of another user, stays without a word.
    """
    with contextlib.suppress(OSError):
        for file in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                _remove_if_nobody_holds(file)


def _remove_if_nobody_holds(file: Path) -> None:
    """Remove a temporary file unless a living process writes it.

    Raises:
        OSError: A living process writes it.
    """
    if sys.platform == "win32":  # where an open file can't be removed
        file.unlink()
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
    finally:
        os.close(descriptor)


def _create(folder: Path, mode: int) -> tuple[int, Path]:
    """A new file with a name of its own, open for writing and locked."""
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        if _lock(descriptor) and path.exists():
            return descriptor, path
        os.close(descriptor)  # another process took it for a leftover before it was locked


def _lock(descriptor: int) -> bool:
    """Lock a new file; false if another process has."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks in this file system: then nobody can take the file away
            return True
    return True


class _Access(NamedTuple):
    """Who may do what with a file."""

    mode: int
    owner: int
    group: int


def _access(file: Path, like: os.stat_result | None) -> _Access | None:
    """The permissions and the owner that the new file gets; None stands for the usual ones.

    Raises:
        OSError: The file is there, but must not be written.
    """
    try:
        status = file.stat()
    except FileNotFoundError:
        if like is None:
            return None
        mode = stat.S_IMODE(like.st_mode) & 0o777 | stat.S_IWUSR
        return _Access(mode, like.st_uid, like.st_gid)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError("it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not a regular file")
    if not os.access(file, os.W_OK):
        raise PermissionError("it is write-protected")
    return _Access(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def _give(descriptor: int, path: Path, access: _Access) -> None:
    """Give a file its permissions and, where possible, its owner."""
    mode = access.mode
    if sys.platform == "win32":
        path.chmod(mode)
        return
    with contextlib.suppress(OSError):
        os.fchown(descriptor, -1, access.group)
        os.fchown(descriptor, access.owner, -1)
    if os.fstat(descriptor).st_gid != access.group:  # another group must not see more than all do
        mode = mode & 0o707 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


def _rename(temporary: Path, final: Path, *, replace: bool) -> None:
    """Give the complete file its name.

    Raises:
        FileExistsError: A file of that name exists and may not be replaced.
    """
    if replace:
        temporary.replace(final)
        return
    try:
        final.hardlink_to(temporary)  # unlike renaming, it never replaces
    except FileExistsError:
        raise
    except OSError as error:  # no second names in this file system
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        temporary.rename(final)
    else:
        temporary.unlink()


def _sync(descriptor: int) -> None:
    """Wait until a file or folder is on the disk, where its file system can tell.

    Raises:
        OSError: The system could not write it.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; the files are whole in any case."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
