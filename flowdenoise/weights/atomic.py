"""Writing files that belong to weights: whole or not at all, with an error of our own."""

from __future__ import annotations

from pathlib import Path

from flowdenoise.errors import WeightsError
from flowdenoise.system.atomic import replacing


def write_bytes(path: Path, data: bytes) -> None:
    """Write beside the final name, flush to the disk, rename over it.

    Raises:
        WeightsError: It can't be written; what was there before is untouched.
    """
    try:
        with replacing(path, sync=True) as stream:
            stream.write(data)
    except OSError as error:
        raise WeightsError(f"can't write {path}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Like `write_bytes`, in UTF-8, with the same line ends on every system."""
    write_bytes(path, text.encode("utf-8"))
