"""Train shipped weights again, or go on where a run of them stopped.

    python examples/shipped_weights/train.py color gray --data IMAGES --validation IMAGES

Each run has a folder below --out. Afterwards `flowdenoise weights from-run` writes its file, and
`ship.py` puts that among the shipped ones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from recipes import RECIPES


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(RECIPES), metavar="NAME")
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(RECIPES))
    if unknown:
        parser.error(f"no recipe for {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    return options


def command(name: str, options: argparse.Namespace) -> list[str]:
    """The training command of a recipe."""
    recipe = RECIPES[name]
    folder = options.out / name
    words = [sys.executable, "-m", "flowdenoise"]
    words += [word.format(runs=options.out) for word in recipe.command]
    words += ["--steps", str(recipe.steps)]
    for path in options.data:
        words += ["--data", str(path)]
    words += ["--validation", str(options.validation), "--out", str(folder)]
    if options.threads:
        words += ["--threads", str(options.threads)]
    if (folder / "checkpoint.pt").exists():
        words.append("--resume")
    return words


if __name__ == "__main__":
    chosen = parse()
    for recipe_name in chosen.names:
        subprocess.run(command(recipe_name, chosen), check=True)  # noqa: S603 - our own program
