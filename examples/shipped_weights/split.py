"""Write down which image is in which corpus of the shipped weights, as CSV.

python examples/shipped_weights/split.py --data IMAGES > docs/split.csv
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from recipes import SPLIT

from flowdenoise.data.corpus import find_images, name_of
from flowdenoise.data.sources import divide


def main() -> None:
    """Print the split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    files = find_images(parser.parse_args().data)
    share = float(SPLIT[1].partition("=")[2])
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["folder", "image", "corpus"])
    for corpus, part in zip(("clean", "noisy"), divide(files, share, seed=0), strict=True):
        for file in sorted(part, key=lambda found: found.path):
            folder = file.path.parents[len(file.place.parts) - 1]
            writer.writerow([folder.name, name_of(file), corpus])


if __name__ == "__main__":
    main()
