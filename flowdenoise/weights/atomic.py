"""Writing files that belong to weights: whole or not at all, with an error of our own."""

from __future__ import annotations

from pathlib import Path

from flowdenoise.errors import WeightsError
from flowdenoise.system.atomic import replacing


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, which appears when it is whole and on the disk.

    Raises:
        WeightsError: The file can't be written. What was there before is untouched.
    """
    try:
        with replacing(path) as stream:
            stream.write(data)
    except OSError as error:
        raise WeightsError(f"can't write {path}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Like `write_bytes`, in UTF-8, with the same line ends on every system."""
    write_bytes(path, text.encode("utf-8"))
