"""Pairs: a photograph with noise and the truth, told apart by the ends of their files' names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PAIR_ENDS = {"_noisy": "_clean", "_noise": "_gt", "_real": "_mean"}
"""How the names of the two files of a pair end: with noise, and the truth."""


def find_pairs(files: Iterable[Path]) -> dict[Path, Path]:
    """The photographs with noise by the files of their clean partners."""
    by_stem = {file.stem: file for file in files}
    found = {}
    for stem, file in by_stem.items():
        for noisy_end, clean_end in PAIR_ENDS.items():
            partner = by_stem.get(stem.removesuffix(noisy_end) + clean_end)
            if stem.endswith(noisy_end) and partner is not None:
                found[partner] = file
    return dict(sorted(found.items()))


def pair_name(stem: str) -> str:
    """The name of a clean file without the end that says that it is one of a pair."""
    ends = PAIR_ENDS.values()
    return next((stem.removesuffix(end) for end in ends if stem.endswith(end)), stem)
