"""Measure all that docs/results.md says, and write it.

    python examples/results/make_results.py --data FOLDER

Results are kept below --out, so the same command goes on after an interruption and measures only
what has changed. Sets are measured level by level. The page is written after each level, from all
that is kept; a section that was not measured, or whose data or packages are missing, says so. A
folder of data has a sub-folder for each set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from charts import TIME, charts
from sections import DATA, SECTIONS, Section

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "weights" / "manifest.json"

_LINE = 160  # characters of an error that the page repeats
_TIME = "processor's s/megapixel"


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

    @property
    def cells(self) -> Path:
        """The folder in which all sets keep their cells, so that no two sections measure one."""
        return self.out / "cells"

    def line(self, section: Section, level: str = "") -> list[str]:
        """The command of a section as it is run, at one of its noise levels if one is named."""
        words = [word.replace(DATA, str(self.data)) for word in section.words]
        if words[0] != "benchmark":
            return [sys.executable, str(ROOT / words[0]), *words[1:]]
        if section.measures_a_set:
            words += ["--out", str(self.cells)]
            words += ["--limit", str(self.limit)] if self.limit else []
            words += ["--sigma", level] if level else []  # of two the last one counts
        if self.threads and "--threads" not in words and words[1] != "whole-command":
            words += ["--threads", str(self.threads)]
        return [sys.executable, "-m", "flowdenoise", *words]


@dataclass
class Record:
    """The record of a section's last run, which is kept as JSON in its folder.

    Attributes:
        stamp: The digest of the command and of the weights, on which the run depended.
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


def stamp(section: Section, line: Sequence[str]) -> str:
    """The digest of what the answer of a section depends on: its command and its weights."""
    manifest = json.loads(MANIFEST.read_text("utf-8"))["weights"]
    hashes = {weights["name"]: weights["sha256"] for weights in manifest}
    depends = [*line, *(hashes[name] for name in section.weights)]
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()


def measure(section: Section, options: Options, level: str = "") -> Record:
    """Run a section's command, at one level of a set, unless its answer is here already.

    Sets are always run: that costs next to nothing where nothing has changed.
    """
    folder, line = options.out / section.name, options.line(section, level)
    newest = options.cells / "results.json"
    record, wanted = Record.read(folder), stamp(section, line)
    if record.stamp == wanted and not record.problem and not section.measures_a_set:
        return record
    print(f"{section.title}: {' '.join(section.words)} {level}", file=sys.stderr, flush=True)
    newest.unlink(missing_ok=True)
    start = time.monotonic()
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    problem = record.problem if level != section.levels[0] else ""  # that of another level
    if done.returncode:
        problem = (done.stderr.strip().splitlines() or ["it failed"])[-1]
    record = Record(
        wanted,
        record.seconds + time.monotonic() - start,
        done.stdout,
        problem.replace(str(options.data), DATA)[:_LINE],
    )
    record.write(folder)
    if newest.is_file():
        shutil.copy(newest, folder / f"results-{level}.json")
    return record


def results(section: Section, options: Options) -> dict[str, Any]:
    """What `benchmark SET` found, all levels that were measured; empty where there is nothing."""
    files = [options.out / section.name / f"results-{level}.json" for level in section.levels]
    each = [json.loads(file.read_text("utf-8")) for file in files if file.is_file()]
    if not section.measures_a_set or not each:
        return {}
    together = {key: [item for one in each for item in one[key]] for key in ("lines", "cells")}
    methods = {method["label"]: method for one in each for method in one["methods"]}
    order = [*section.methods, *methods]
    sorted_methods = sorted(methods.values(), key=lambda method: order.index(method["label"]))
    return {**each[0], **together, "methods": sorted_methods}


def table(section: Section, found: dict[str, Any]) -> list[str]:
    """The PSNR of all methods, and what was published, in Markdown."""
    levels = section.levels
    lines = {(line["method"], line["sigma_255"]): line for line in found["lines"]}
    rows = [
        ["", *(level or "dB" for level in levels), _TIME],
        ["---", *["---:"] * (len(levels) + 1)],
    ]
    for method in found["methods"]:
        own = [lines.get((method["label"], float(level or 0)), {}) for level in levels]
        label = method["label"]
        count = min((line["images"] for line in own if line), default=0)
        if count < found["images"]:
            label += f" ({count} images)"
        values = ["-" if line.get("psnr") is None else f"{line['psnr']:.2f}" for line in own]
        times = [line[TIME] for line in own if line.get(TIME)]
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
    elif record.answer.strip():
        answer = record.answer.strip()
        parts += [answer if answer.startswith("|") else f"```\n{answer}\n```", ""]
    if not record.stamp and not found:
        parts += ["Not measured yet.", ""]
    if record.problem:
        parts += [f"Not all of it was measured: {record.problem}", ""]
    if section.source and found:
        parts += [f"Published rows: {section.source}.", ""]
    command = section.command
    shown = f"flowdenoise {command}" if section.words[0] == "benchmark" else f"python {command}"
    return [*parts, f"```\n{shown}\n```", ""]


def write(sections: Sequence[Section], options: Options) -> None:
    """Write the page and its charts from what is kept."""
    runs, body, seconds = {}, [], 0.0
    for section in sections:
        record, found = Record.read(options.out / section.name), results(section, options)
        if found:
            runs[section.name] = found
        seconds += record.seconds
        body += written(section, record, found)
    plots = options.page.parent / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    pictures = []
    for name, title, svg in charts(runs):
        (plots / f"{name}.svg").write_text(svg, "utf-8")
        pictures += [f"![{title}](plots/{name}.svg)", ""]
    limit = f", the first {options.limit} images of each set only" if options.limit else ""
    head = [
        "# Results",
        "",
        f"Made by `make results DATA={DATA}`{limit}, which measured for "
        f"{timedelta(seconds=round(seconds))} in all. `{DATA}` holds a sub-folder for each set; "
        "without `--data-dir` a set is fetched. The processor's time is that of all threads "
        "together, which other programs on the machine change little.",
        "",
        *pictures,
    ]
    options.page.write_text("\n".join([*head, *body]).rstrip() + "\n", "utf-8")


def make(sections: Sequence[Section], wanted: Collection[str], options: Options) -> bool:
    """Measure the wanted sections, write the page after each; return whether all succeeded."""
    whole = True
    write(sections, options)
    for section in sections:
        for level in section.levels if section.name in wanted else ():
            whole = not measure(section, options, level).problem and whole
            write(sections, options)
    return whole


def main() -> None:
    """Parse, measure, write, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "results")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "results.md")
    parser.add_argument("--limit", type=int, default=0, help="most images of each set; 0 is all")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", help="names of sections to measure, with commas between")
    parser.add_argument("--page-only", action="store_true", help="write the page, measure nothing")
    asked = parser.parse_args()
    names = {section.name for section in SECTIONS}
    wanted = asked.only.split(",") if asked.only else names
    if unknown := [name for name in wanted if name not in names]:
        parser.error(f"no section {unknown[0]!r}; there are {', '.join(sorted(names))}")
    options = Options(
        asked.data.resolve(), asked.out.resolve(), asked.page, asked.limit, asked.threads
    )
    start = time.monotonic()
    whole = make(SECTIONS, () if asked.page_only else wanted, options)
    took = timedelta(seconds=round(time.monotonic() - start))
    print(f"{asked.page} is written; it took {took}", file=sys.stderr)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
