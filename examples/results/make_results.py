"""Measure all that docs/results.md says, and write it.

    python examples/results/make_results.py --data FOLDER

Results are kept below --out, so the same command goes on after an interruption and measures only
what has changed. A folder of data has a sub-folder for each set; a section whose data or packages
are missing says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from charts import charts
from sections import DATA, SECTIONS, Section

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "weights" / "manifest.json"

_LINE = 160  # characters of an error that the page repeats


@dataclass(frozen=True)
class Options:
    """The user's options.

    Attributes:
        data: The folder of data.
        out: The folder of the runs.
        page: The file to write; charts go into `plots` beside it.
        limit: The most images of each set, 0 for all.
        threads: The number of the processor's threads, None for all.
    """

    data: Path
    out: Path
    page: Path
    limit: int = 0
    threads: int | None = None

    def line(self, section: Section) -> list[str]:
        """The command of a section as it is run."""
        words = [word.replace(DATA, str(self.data)) for word in section.words]
        if words[0] != "benchmark":
            return [sys.executable, str(ROOT / words[0]), *words[1:]]
        if section.measures_a_set or words[1] == "table1":
            words += ["--out", str(self.out / section.name)]
            words += ["--limit", str(self.limit)] if self.limit else []
        if self.threads and "--threads" not in words and words[1] != "whole-command":
            words += ["--threads", str(self.threads)]
        return [sys.executable, "-m", "flowdenoise", *words]


@dataclass
class Record:
    """The record of a section's last run, which is kept as JSON in its folder.

    Attributes:
        stamp: The command and the weights, on which the run depended.
        seconds: The time of all its runs together.
        answer: The standard output.
        problem: The reason for a failure, one line; empty if the run did not fail.
    """

    stamp: str = ""
    seconds: float = 0.0
    answer: str = ""
    problem: str = ""

    @classmethod
    def read(cls, folder: Path) -> Record:
        """The record of a folder; an empty one where there is none."""
        file = folder / "record.json"
        return cls(**json.loads(file.read_text("utf-8"))) if file.is_file() else cls()

    def write(self, folder: Path) -> None:
        """Write the record into its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "record.json").write_text(json.dumps(vars(self), indent=1), "utf-8")


def measure(section: Section, options: Options) -> Record:
    """Run a section's command, unless its answer is here already.

    Sets are always run: that costs next to nothing where nothing has changed.
    """
    folder, line = options.out / section.name, options.line(section)
    record = Record.read(folder)
    stamp = hashlib.sha256(json.dumps(line).encode() + MANIFEST.read_bytes()).hexdigest()
    if record.stamp == stamp and not record.problem and not section.measures_a_set:
        return record
    print(f"{section.title}: {' '.join(section.words)}", file=sys.stderr, flush=True)
    start = time.monotonic()
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    problem = (done.stderr.strip().splitlines() or ["it failed"])[-1]
    record = Record(
        stamp,
        record.seconds + time.monotonic() - start,
        done.stdout,
        problem.replace(str(options.data), DATA)[:_LINE] if done.returncode else "",
    )
    record.write(folder)
    return record


def results(section: Section, options: Options) -> dict[str, Any]:
    """What a run of `benchmark SET` found; empty where there is nothing."""
    file = options.out / section.name / "results.json"
    if not section.measures_a_set or not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def table(section: Section, found: dict[str, Any]) -> list[str]:
    """The PSNR of all methods, and what was published, in Markdown."""
    sigmas = found["sigmas_255"]
    levels = ["dB" if sigma == 0 else f"{sigma:g}" for sigma in sigmas]
    lines = {(line["method"], line["sigma_255"]): line for line in found["lines"]}
    rows = [["", *levels, "s/megapixel"], ["---", *["---:"] * (len(levels) + 1)]]
    for method in found["methods"]:
        own = [lines.get((method["label"], sigma), {}) for sigma in sigmas]
        label = method["label"]
        if method["images"] < found["images"]:
            label += f" ({method['images']} images)"
        values = ["-" if line.get("psnr") is None else f"{line['psnr']:.2f}" for line in own]
        times = [line["seconds_per_megapixel"] for line in own if line.get("images")]
        rows.append([label, *values, f"{sum(times) / len(times):.3g}" if times else "-"])
    rows += [[f"*published:* {who}", *values, ""] for who, *values in section.published]
    return ["| " + " | ".join(row) + " |" for row in rows]


def written(section: Section, record: Record, found: dict[str, Any]) -> list[str]:
    """A section of the page."""
    parts = [f"## {section.title}", ""]
    if section.text:
        parts += [section.text, ""]
    if found:
        count = f"{found['images']} image{'s' if found['images'] > 1 else ''}"
        parts += [f"{count}, PSNR in dB; {found['machine']}.", ""]
        parts += [*table(section, found), ""]
    elif not record.problem:
        answer = record.answer.strip()
        parts += [answer if answer.startswith("|") else f"```\n{answer}\n```", ""]
    if record.problem:
        parts += [f"Not all of it was measured: {record.problem}", ""]
    if section.source and found:
        parts += [f"Published rows: {section.source}.", ""]
    command = section.command
    shown = f"flowdenoise {command}" if section.words[0] == "benchmark" else f"python {command}"
    return [*parts, f"```\n{shown}\n```", ""]


def write(sections: Sequence[Section], options: Options) -> bool:
    """Measure, then write the page and its charts; returns whether all of it was measured."""
    runs, body, whole, seconds = {}, [], True, 0.0
    for section in sections:
        record = measure(section, options)
        found = results(section, options)
        if found:
            runs[section.name] = found
        whole, seconds = whole and not record.problem, seconds + record.seconds
        body += written(section, record, found)
    plots = options.page.parent / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, title, svg in charts(runs):
        (plots / f"{name}.svg").write_text(svg, "utf-8")
        pictures += [f"![{title}](plots/{name}.svg)", ""]
    limit = f", the first {options.limit} images of each set only" if options.limit else ""
    took = timedelta(seconds=round(seconds))
    head = [
        "# Results",
        "",
        f"Made by `make results DATA={DATA}`{limit}, which measured for {took} in all. `{DATA}` "
        "holds a sub-folder for each set; without `--data-dir` a set is fetched.",
        "",
        *pictures,
    ]
    options.page.write_text("\n".join([*head, *body]).rstrip() + "\n", "utf-8")
    return whole


def main() -> None:
    """Parse, measure, write, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "results")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "results.md")
    parser.add_argument("--limit", type=int, default=0, help="most images of each set; 0 is all")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", help="names of sections, with commas between")
    asked = parser.parse_args()
    names = {section.name: section for section in SECTIONS}
    chosen = asked.only.split(",") if asked.only else list(names)
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"no section {unknown[0]!r}; there are {', '.join(names)}")
    options = Options(
        asked.data.resolve(), asked.out.resolve(), asked.page, asked.limit, asked.threads
    )
    start = time.monotonic()
    whole = write([names[name] for name in chosen], options)
    took = timedelta(seconds=round(time.monotonic() - start))
    print(f"{asked.page} is written; it took {took}", file=sys.stderr)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
