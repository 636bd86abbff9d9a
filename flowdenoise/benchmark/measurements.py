"""Measurements, each of one method on one image at one level, and the file that keeps them.

A measurement fills a cell of the table of methods and images. The file has one JSON object per
line, so that an interrupted run can go on where it stopped.
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
class MeasurementKey:
    """Everything that the numbers of a cell depend on.

    Attributes:
        method: The label of the method.
        settings: The settings of the method.
        weights: The sha256 of its weights.
        image: The fingerprint of the clean image.
        sigma_255: The noise level on the scale of 0 to 255.
        protocol: The name of the protocol.
        seed: The seed of the noise.
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
        """The key as one line of text."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Measurement:
    """The result of one method on one image at one noise level.

    Attributes:
        method: The label of the method.
        image: The name of the image.
        sigma_255: The noise level on the scale of 0 to 255.
        pixels: The number of pixels of the image.
        psnr: The PSNR in dB. In a failed cell this and the next four are not a number.
        ssim: The structural similarity.
        gmsd: The gradient magnitude similarity deviation.
        seconds: The time that denoising took.
        processor_seconds: The processor's time for it, all threads together, which does not depend
            on what else the machine does.
        peak_bytes: The memory at the peak above that in use before; None if it can't be told.
        machine: The hardware that computed, in words.
        picture: The file of the result, relative to the run folder; None if it was not kept.
        error: The reason for a failure, one line.
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
    processor_seconds: float = math.nan


class MeasurementStore:
    """The cells of a run folder.

    Args:
        path: The file, which need not exist.

    Raises:
        DataError: The file is damaged, or can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cells: dict[str, Measurement] = {}
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

    def find(self, key: MeasurementKey) -> Measurement | None:
        """The cell of that key; None if there is none."""
        return self._cells.get(key.text)

    def add(self, key: MeasurementKey, cell: Measurement) -> None:
        """Keep a cell; it is in the file when this returns.

        Raises:
            DataError: The file can't be written.
        """
        line = json.dumps({"key": asdict(key), "cell": asdict(cell)}) + "\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise DataError(f"can't write {self.path}: {error.strerror or error}") from error
        self._cells[key.text] = cell


def _parse(line: bytes, where: str) -> tuple[str, Measurement]:
    try:
        content: dict[str, Any] = json.loads(line)
        return json.dumps(content["key"], sort_keys=True), Measurement(**content["cell"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{where}: no result of this program; remove the file") from error
