"""Cells of the benchmark, each one method on one image at one level, and the file that keeps them.

The file has one JSON object per line, so that a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowdenoise.errors import DataError


@dataclass(frozen=True)
class CellKey:
    """What the numbers of a cell depend on.

    Attributes:
        method: Label of the method.
        settings: All that the method can be set to.
        weights: sha256 of its weights.
        image: Fingerprint of the clean image.
        sigma_255: Noise level on the scale of 0 to 255.
        protocol: Name.
        seed: Of the noise.
    """

    method: str
    settings: Mapping[str, object]
    weights: str | None
    image: str
    sigma_255: float
    protocol: str
    seed: int

    @property
    def text(self) -> str:
        """The key as one line."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Cell:
    """A result.

    Attributes:
        method: Label of the method.
        image: Name of the image.
        sigma_255: Noise level on the scale of 0 to 255.
        pixels: Of the image.
        psnr: dB; not a number in a failed cell, like all that follow.
        ssim: Structural similarity.
        gmsd: Gradient magnitude similarity deviation.
        seconds: For denoising.
        peak_bytes: Memory at the peak above what was in use before, where it can be told.
        machine: Where it was computed, for the times.
        picture: File of the result, relative to the run folder, where it was kept.
        error: Why it failed, one line.
        found_255: The noise level that a blind method found, on the scale of 0 to 255.
    """

    method: str
    image: str
    sigma_255: float
    pixels: int = 0
    psnr: float = math.nan
    ssim: float = math.nan
    gmsd: float = math.nan
    seconds: float = math.nan
    peak_bytes: int | None = None
    machine: str = ""
    picture: str | None = None
    error: str | None = None
    found_255: float | None = None


class CellStore:
    """The cells of a run folder.

    Args:
        path: The file; need not exist.

    Raises:
        DataError: It is damaged, or can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cells: dict[str, Cell] = {}
        try:
            data = path.read_bytes() if path.exists() else b""
            whole = data.rfind(b"\n") + 1
            if whole < len(data):  # the last line was being written when the run was stopped
                with path.open("rb+") as file:
                    file.truncate(whole)
        except OSError as error:
            raise DataError(f"can't read {path}: {error.strerror or error}") from error
        for number, line in enumerate(data[:whole].splitlines(), start=1):
            key, cell = _parse(line, f"{path}, line {number}")
            self._cells[key] = cell

    def find(self, key: CellKey) -> Cell | None:
        """The cell of that key, if it is there."""
        return self._cells.get(key.text)

    def add(self, key: CellKey, cell: Cell) -> None:
        """Keep a cell; it is on the disk when this returns.

        Raises:
            DataError: It can't be written.
        """
        line = json.dumps({"key": asdict(key), "cell": asdict(cell)}) + "\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise DataError(f"can't write {self.path}: {error.strerror or error}") from error
        self._cells[key.text] = cell


def _parse(line: bytes, where: str) -> tuple[str, Cell]:
    try:
        content: dict[str, Any] = json.loads(line)
        return json.dumps(content["key"], sort_keys=True), Cell(**content["cell"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{where}: no result of this program; remove the file") from error
