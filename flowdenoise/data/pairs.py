"""Pairs: a photograph with noise and the truth, told apart by the ends of their files' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PAIR_ENDS = {"_noisy": "_clean", "_noise": "_gt", "_real": "_mean"}
"""How the names of the two files of a pair end: with noise, and the truth."""


def find_pairs(files: Iterable[Path]) -> dict[Path, Path]:
    """The photographs with noise by the files of their clean partners.

    A partner lies in the same folder, or else is the only file of its name in any other one.
    """
    every = list(files)
    by_stem: defaultdict[str, list[Path]] = defaultdict(list)
    for file in every:
        by_stem[file.stem].append(file)
    found = {}
    for file in every:
        for noisy_end, clean_end in PAIR_ENDS.items():
            if file.stem.endswith(noisy_end):
                named = by_stem.get(file.stem.removesuffix(noisy_end) + clean_end, [])
                beside = [other for other in named if other.parent == file.parent]
                if len(partner := beside or named) == 1:
                    found[partner[0]] = file
    return dict(sorted(found.items()))


def pair_name(stem: str) -> str:
    """The name of a clean file without the end that says that it is one of a pair."""
    ends = PAIR_ENDS.values()
    return next((stem.removesuffix(end) for end in ends if stem.endswith(end)), stem)
