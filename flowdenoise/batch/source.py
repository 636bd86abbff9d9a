"""A picture's file, opened once, so that the bytes decoded and the bytes copied are the same."""

from __future__ import annotations

import io
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flowdenoise.errors import ImageReadError
from flowdenoise.images import HEAD, sniff

_STDIN = "standard input"


@dataclass(frozen=True)
class Source:
    """An open input.

    Attributes:
        name: The name of the input in messages.
        file: A seekable stream of all its bytes.
        status: The status of the file when it was opened; None for a pipe or a device.
    """

    name: str
    file: BinaryIO
    status: os.stat_result | None

    def check_unchanged(self) -> None:
        """Refuse a file that was changed since it was opened.

        Raises:
            ImageReadError: The file was changed.
        """
        if self.status is None:
            return
        now = os.fstat(self.file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            raise ImageReadError(f"{self.name}: the file was changed while it was read")


def open_source(path: Path | None) -> Source:
    """Open a picture's file; pipes, FIFOs and devices are read to their end.

    Args:
        path: The path of the file; None for standard input.

    Raises:
        ImageReadError: The file can't be opened, or a stream does not bring a picture.
    """
    if path is None:
        if sys.stdin is None:
            raise ImageReadError(f"{_STDIN} is closed")
        return Source(_STDIN, _read_stream(sys.stdin.buffer, _STDIN), None)
    name = str(path) if str(path).isprintable() else ascii(str(path))
    try:
        file = path.open("rb")
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            return Source(name, file, status)
        with file:
            return Source(name, _read_stream(file, name), None)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise ImageReadError(f"{name}: can't be read: {reason}") from error


def _read_stream(stream: BinaryIO, name: str) -> BinaryIO:
    """Read all of a stream, unless it does not begin like a picture: then it may have no end."""
    try:
        head = stream.read(HEAD)
        sniff(head)
        data = io.BytesIO(head + stream.read())
    except ImageReadError as error:
        raise ImageReadError(f"{name}: {error}") from error
    data.name = name  # what messages of the decoder begin with
    return data
