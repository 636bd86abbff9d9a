"""The paper's Table 1, measured again: its five systems on the same pixels, with its own numbers.

The paper mixes settings: its DnCNN row is the published one for *gray* BSD68, its own row is for
*color* images whose noisy versions are clipped to 8 bits. Here each setting has its own table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowdenoise.errors import UsageError

if TYPE_CHECKING:
    from flowdenoise.benchmark.report.grids import Grid
    from flowdenoise.benchmark.results import Results

SIGMAS = (15.0, 25.0, 35.0)
METHODS = ("flowdenoise", "bm3d", "dncnn", "n2v", "dip")
"""By the names of `methods.METHODS`; the first is ours."""

_ROWS = {
    "bm3d": "BM3D",
    "dncnn": "DnCNN",
    "n2v": "N2V",
    "dip": "DIP",
    "flowdenoise": "ours",
}
_PRINTED = {
    "bm3d": (33.14, 30.22, 28.25),
    "dncnn": (31.73, 29.23, 28.95),
    "n2v": (28.92, 27.68, 26.51),
    "dip": (27.58, 26.6, 25.97),
    "flowdenoise": (29.10, 28.61, 26.2),
}
"""PSNR in dB at `SIGMAS`, as in Table 1 of arXiv 2009.11532."""


@dataclass(frozen=True)
class Setting:
    """One of the tables.

    Attributes:
        name: The name of the folder.
        image_set: The set, a key of `catalog.SETS`.
        protocol: The protocol, a key of `protocols.PROTOCOLS`.
    """

    name: str
    image_set: str
    protocol: str


SETTINGS = (
    Setting("gray-awgn", "bsd68", "awgn"),
    Setting("color-awgn", "cbsd68", "awgn"),
    Setting("color-paper", "cbsd68", "paper"),
)


def find_settings(names: str) -> tuple[Setting, ...]:
    """Find the settings that a comma-separated text names.

    Raises:
        UsageError: A setting does not exist. The message lists those that do.
    """
    known = {setting.name: setting for setting in SETTINGS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise UsageError(f"settings are {', '.join(known)}, not {names!r}")
    return tuple(known[name] for name in wanted)


def table(results: Results) -> Grid:
    """The table of one setting: the measured numbers, and those that the paper printed."""
    from flowdenoise.benchmark.report.grids import Grid  # the command line reads the settings

    lines = {(line.method, line.sigma_255): line for line in results.lines}
    rows = []
    for name, row in _ROWS.items():
        label = next((m.label for m in results.methods if m.label.partition("=")[0] == name), name)
        own = [lines.get((label, sigma)) for sigma in SIGMAS]
        rows.append(
            (
                row if label == name else f"{row} ({label})",
                *(f"{line.psnr:.2f}" if line and line.images else "-" for line in own),
                *(f"{value:.2f}" for value in _PRINTED[name]),
            )
        )
    header = ("", *(f"{sigma:g}" for sigma in SIGMAS), *(f"printed {s:g}" for s in SIGMAS))
    notes = [
        f"{method.label}: the first {method.images} of {results.images} images only"
        for method in results.methods
        if 0 < method.images < results.images
    ]
    notes.append("printed: in the paper, which mixes gray and color images and protocols")
    title = f"Table 1 of the paper, done again, PSNR in dB: {results.title}"
    return Grid(title, header, tuple(rows), tuple(notes))
