"""Replacing a file as a whole: the old one stays as it is until the new one is complete."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(target: Path, *, sync: bool = False) -> Iterator[BinaryIO]:
    """Write a file under a temporary name beside `target`, and rename it when all went well.

    A target that is a symbolic link is written through: the file that it names is replaced. The
    permission bits of an existing file are kept. After any failure, an interrupt included, the
    old file is untouched and the temporary one is gone.

    Args:
        target: Its folder must exist.
        sync: Wait until the bytes are on the disk, so that not even a power cut leaves half.

    Yields:
        The new file, open for writing, seekable.

    Raises:
        OSError: It can't be written; the old file is write-protected; or it is no regular file.
    """
    final = Path(os.path.realpath(target))
    permissions = _writable_permissions(final)
    temporary = final.parent / f".{secrets.token_hex(8)}.part"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if permissions is not None:
            temporary.chmod(permissions)
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would else translate line ends


def _writable_permissions(file: Path) -> int | None:
    """The permission bits of a file, None where there is none yet.

    Raises:
        OSError: It is there, but must not be written.
    """
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError("it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError("it is not a regular file")
    if not os.access(file, os.W_OK):
        raise PermissionError("it is write-protected")
    return stat.S_IMODE(mode)
