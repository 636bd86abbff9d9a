"""The folder in which flowdenoise keeps files on a user's machine, and how to write there.

A long job first asks whether there is room, and only one process at a time writes a file.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from flowdenoise.errors import DataError, UsageError

CACHE_VARIABLE = "FLOWDENOISE_CACHE"
"""Environment variable that moves the cache folder."""


def cache_folder() -> Path:
    """The folder for what can be fetched again; it need not exist yet.

    It is `FLOWDENOISE_CACHE` where that is set, else `flowdenoise` in the platform's usual place:
    `$XDG_CACHE_HOME` or `~/.cache` (the XDG Base Directory Specification), `~/Library/Caches`
    on macOS, `%LOCALAPPDATA%` on Windows.

    Raises:
        UsageError: The user has no home folder and the variable is not set.
    """
    try:
        if chosen := os.environ.get(CACHE_VARIABLE):
            return Path(chosen).expanduser().absolute()
        return _platform_cache() / "flowdenoise"
    except RuntimeError as error:  # pathlib's word for "no home folder"
        raise UsageError(f"no home folder to keep files in: set {CACHE_VARIABLE}") from error


def _platform_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    windows = sys.platform == "win32"
    named = os.environ.get("LOCALAPPDATA" if windows else "XDG_CACHE_HOME", "")
    if Path(named).is_absolute():  # the specification says to ignore relative ones
        return Path(named)
    return Path.home() / ("AppData/Local" if windows else ".cache")


def require_room(folder: Path, size: int) -> None:
    """Check that `size` more bytes fit on the disk of `folder`, which exists.

    Raises:
        DataError: The disk has too little room.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DataError(
            f"no room in {folder}: {readable_size(size)} needed, {readable_size(free)} free"
        )


def readable_size(size: int) -> str:
    """A number of bytes as people read it.

    >>> readable_size(999), readable_size(6_645_013_297)
    ('999 bytes', '6.6 GB')
    """
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if size >= 1000**power:
            return f"{size / 1000**power:.1f} {unit}"
    return f"{size} bytes"


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Let one process or thread at a time work on `path`; the others wait for it.

    The lock is the empty file `PATH.lock`, which stays: removing it would let two processes in.
    The system frees the lock when its holder ends, however that ends. The holder may take it a
    second time. The folder of `path` is made if needed.

    Raises:
        DataError: The folder can't be written to.
    """
    lock = FileLock(path.with_name(path.name + ".lock"), is_singleton=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise DataError(f"can't write in {path.parent}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
