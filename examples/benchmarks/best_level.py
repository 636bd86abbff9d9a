"""How far the automatic result is from the best that one told level could do, picture by picture.

    flowdenoise benchmark nam25 --out RUN --methods \
        flowdenoise-blind,flowdenoise@4,flowdenoise@6,flowdenoise@9,flowdenoise@13,flowdenoise@19
    python examples/benchmarks/best_level.py RUN

Each method that was told a level (`NAME@SIGMA`) is a try; all are compared with the best tries.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run of the benchmark")
    found = json.loads((parser.parse_args().run / "results.json").read_text("utf-8"))
    psnr: dict[str, dict[str, float]] = {}
    for cell in found["cells"]:
        if cell["psnr"] is not None:
            psnr.setdefault(cell["method"], {})[cell["image"]] = cell["psnr"]
    tries = {method: values for method, values in psnr.items() if "@" in method}
    if not tries:
        parser.error("no method of this run was told a level: name some as flowdenoise@12")
    names = set.intersection(*(set(values) for values in psnr.values()))
    best = {name: max(values[name] for values in tries.values()) for name in names}
    rows = {"best try of each picture": statistics.mean(best.values())}
    rows |= {
        method: statistics.mean(values[name] for name in names) for method, values in psnr.items()
    }
    print(f"| {found['image_set']}, {len(names)} pictures | PSNR | against the best tries |")
    print("| --- | ---: | ---: |")
    for method, mean in rows.items():
        print(f"| {method} | {mean:.2f} | {mean - rows['best try of each picture']:+.2f} |")


if __name__ == "__main__":
    main()
