"""`make results`: the page says what was measured, and nothing is measured twice."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import charts
import make_results
import pytest
from make_results import Options
from PIL import Image
from sections import DATA, SECTIONS, Section

from flowdenoise.benchmark.catalog import SETS
from flowdenoise.benchmark.methods import parse

from .conftest import scene

TINY = Section(
    "tiny",
    "Tiny pictures",
    f"benchmark photos --methods noisy --sigma 15,25 --data-dir {DATA}",
    "They are small.",
    (("somebody", "24.61", "20.17"),),
    "a paper",
)
SCRIPT = Section("loading", "Loading", "examples/benchmarks/load_weights.py gray")
BROKEN = Section("broken", "Broken", f"benchmark nowhere --methods noisy --data-dir {DATA}")


@pytest.fixture
def options(tmp_path: Path) -> Options:
    photos = tmp_path / "data" / "photos"
    photos.mkdir(parents=True)
    for number in range(2):
        Image.fromarray(scene(40, 44, seed=number)).save(photos / f"{number}.png")
    return Options(tmp_path / "data", tmp_path / "runs", tmp_path / "page.md", threads=1)


def test_the_page_has_figures_commands_and_what_went_wrong(options: Options) -> None:
    assert not make_results.make([TINY, BROKEN, SCRIPT], {"tiny", "broken", "loading"}, options)
    page = options.page.read_text()
    assert "## Tiny pictures\n\nThey are small.\n\n2 images, PSNR in dB" in page
    row = next(line for line in page.splitlines() if line.startswith("| noisy"))
    found = make_results.results(TINY, options)
    assert row.split(" | ")[1:3] == [f"{line['psnr']:.2f}" for line in found["lines"]]
    assert "| *published:* somebody | 24.61 | 20.17 |  |" in page
    assert f"```\nflowdenoise {TINY.command}\n```" in page
    assert "Not all of it was measured: error: no set 'nowhere'" in page
    assert f"```\npython {SCRIPT.command}\n```" in page
    assert str(options.data) not in page, "the page names no folder of this machine"


def test_what_was_measured_is_not_measured_again(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_results.measure(SCRIPT, options)
    assert first.answer
    before = make_results.measure(TINY, options, "15")
    assert not before.problem
    again = make_results.measure(TINY, options, "25")
    assert again.seconds > before.seconds, "the times of all runs are added up"
    longer = replace(TINY, name="longer", command=TINY.command.replace("15,25", "15,50"))
    assert make_results.make([longer], {"longer"}, options)
    cells = (options.cells / "cells.jsonl").read_text().splitlines()
    assert len(cells) == 6, "sections share what is measured"
    for section, levels in ((TINY, [15, 25]), (longer, [15, 50])):
        found = make_results.results(section, options)
        assert [line["sigma_255"] for line in found["lines"]] == levels
    monkeypatch.setattr(make_results.subprocess, "run", None)
    assert make_results.measure(SCRIPT, options) == first


def test_other_weights_are_measured_again_where_they_count(options: Options) -> None:
    gray = replace(SCRIPT, weights=("gray",))
    line = options.line(SCRIPT)
    stamps = {make_results.stamp(section, line) for section in (SCRIPT, gray)}
    assert len(stamps) == 2
    names = {
        weights["name"] for weights in json.loads(make_results.MANIFEST.read_text())["weights"]
    }
    assert all(names.issuperset(section.weights) for section in SECTIONS)


def test_the_page_is_there_before_all_is_measured(options: Options) -> None:
    make_results.measure(TINY, options, "25")
    make_results.write([TINY, SCRIPT], options)
    page = options.page.read_text()
    assert re.search(r"^\| noisy \| - \| \d\d\.\d\d \|", page, re.MULTILINE)
    assert "## Loading\n\nNot measured yet." in page
    assert make_results.make([TINY, SCRIPT], (), options)
    assert options.page.read_text() == page, "to write the page again measures nothing"


def test_a_limit_is_told(options: Options) -> None:
    limited = Options(options.data, options.out, options.page, limit=1)
    assert make_results.make([TINY], {"tiny"}, limited)
    page = options.page.read_text()
    assert "the first 1 images of each set only" in page
    assert "1 image, PSNR in dB" in page


def test_sections_name_methods_and_sets_that_exist() -> None:
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
    for section in SECTIONS:
        words = section.words
        if section.methods:
            assert [choice.label for choice in parse(",".join(section.methods))]
        if section.measures_a_set:
            assert words[1] in {*SETS, "open-photos-2", "sidd-look"}, section.name
        if words[0] != "benchmark":
            assert (make_results.ROOT / words[0]).is_file(), section.name
        levels = words[words.index("--sigma") + 1].split(",") if "--sigma" in words else range(4)
        assert all(len(row) == 1 + len(levels) for row in section.published), section.name


def test_charts_are_drawn_of_what_there_is() -> None:
    lines = [
        {
            "method": method,
            "sigma_255": sigma,
            "images": 1,
            "psnr": 40 - sigma / 5,
            charts.TIME: 2.0,
            "difference": difference,
        }
        for method, difference in (("flowdenoise", None), ("ffdnet", {"mean": 0.1}))
        for sigma in (15.0, 25.0)
    ]
    cell = {"method": "flowdenoise-blind", "sigma_255": 15.0, "found_255": 15.5}
    run = {"protocol": "awgn", "kind": "color", "lines": lines, "cells": [cell]}
    made = {name: svg for name, _, svg in charts.charts({"cbsd68": run})}
    assert list(made) == ["quality-time", "noise-level", "psnr-sigma"]
    assert all("ffdnet" in made[name] for name in ("quality-time", "psnr-sigma"))
    assert "color" in made["noise-level"]
    assert list(charts.charts({})) == []
