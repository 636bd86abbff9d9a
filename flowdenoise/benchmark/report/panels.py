"""The kept pictures of a run, read back: the truth, the noisy image, each method's result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowdenoise.benchmark.results import Results
from flowdenoise.benchmark.runner import Pictures

CLEAN, NOISY = "clean", "noisy"
"""Labels of the pictures that no method made."""


@dataclass(frozen=True)
class Panel:
    """A picture.

    Attributes:
        label: The label of the method, or `CLEAN` or `NOISY`.
        file: The PNG file.
        psnr: The PSNR of the whole image in dB; None for the truth.
    """

    label: str
    file: Path
    psnr: float | None


@dataclass(frozen=True)
class Scene:
    """All pictures of one image at one noise level.

    Attributes:
        image: The name of the image.
        sigma_255: The noise level on the scale of 0 to 255.
        panels: The truth, the noisy image, and the result of each method that did not fail.
    """

    image: str
    sigma_255: float
    panels: tuple[Panel, ...]


def scenes(results: Results, sigma_255: float, folder: Path) -> Iterator[Scene]:
    """The images whose pictures were kept, at one noise level."""
    for name, fingerprint in results.fingerprints.items():
        cells = [
            cell
            for cell in results.cells
            if (cell.image, cell.sigma_255) == (name, sigma_255) and cell.picture is not None
        ]
        place = Pictures(folder, results.protocol, fingerprint, sigma_255)
        if not cells or not place.clean.is_file() or not place.noisy.is_file():
            continue
        noisy = next((cell.psnr for cell in cells if cell.method == NOISY), None)
        methods = (
            Panel(cell.method, folder / str(cell.picture), cell.psnr)
            for cell in cells
            if cell.method != NOISY and (folder / str(cell.picture)).is_file()
        )
        ends = (Panel(CLEAN, place.clean, None), Panel(NOISY, place.noisy, noisy))
        yield Scene(name, sigma_255, (*ends, *methods))
