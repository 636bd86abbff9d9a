"""Writing a file so that its name never points at half of it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from flowdenoise.errors import WeightsError


def write_bytes(path: Path, data: bytes) -> None:
    """Write beside the final name, flush to the disk, rename over it.

    Raises:
        WeightsError: It can't be written; what was there before is untouched.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # where nothing could be made, nothing is left
            part.unlink()
        raise WeightsError(f"can't write {path}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Like `write_bytes`, in UTF-8, with the same line ends on every system."""
    write_bytes(path, text.encode("utf-8"))
