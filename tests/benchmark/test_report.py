"""Reports: what people read is what was measured, and says under which conditions."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from flowdenoise.benchmark import table1
from flowdenoise.benchmark.config import BenchmarkConfig
from flowdenoise.benchmark.methods import Method
from flowdenoise.benchmark.report import as_markdown, result_grids, write_all
from flowdenoise.benchmark.results import Results, collect
from flowdenoise.benchmark.runner import run
from flowdenoise.benchmark.sets import open_set

from .conftest import Told

CPU = torch.device("cpu")


def smooth(noisy: Tensor, _: float | None) -> Tensor:
    return torch.nn.functional.avg_pool2d(noisy, 3, 1, 1)


def measured(photos: Path, folder: Path, *, methods: list[Method] | None = None) -> Results:
    methods = methods or [Told("ours", smooth, weights="a" * 64), Told("noisy", lambda n, _: n)]
    config = BenchmarkConfig((15.0, 25.0), pictures=2, limits={"slow": 1})
    images = open_set(str(photos))
    found = run(images, methods, config, CPU, folder)
    return collect(found, images, methods, config, CPU)


def test_all_reports_are_written(photos: Path, tmp_path: Path) -> None:
    results = measured(photos, tmp_path / "run")
    written = write_all(results, tmp_path / "run")
    assert [path.name for path in written] == [
        "results.json",
        "cells.csv",
        "table.md",
        "index.html",
        "figure-15.png",
        "figure-25.png",
    ]
    assert all(path.stat().st_size for path in written)


def test_results_say_all_that_they_depend_on(photos: Path, tmp_path: Path) -> None:
    results = measured(photos, tmp_path / "run")
    write_all(results, tmp_path / "run")
    content = json.loads((tmp_path / "run" / "results.json").read_text())
    assert content["protocol"] == "awgn"
    assert (content["image_set"], content["kind"], content["seed"]) == ("photos", "color", 0)
    assert content["device"] == "cpu"
    assert content["versions"]["torch"] == torch.__version__
    assert {"flowdenoise", "python", "numpy"} <= set(content["versions"])
    assert content["methods"][0]["weights"] == "a" * 64
    assert content["methods"][0]["settings"] == {"version": 1}
    assert set(content["fingerprints"]) == {"0", "1", "2"}
    assert len(content["cells"]) == 12
    assert content["lines"][0]["psnr"] == pytest.approx(results.lines[0].psnr)


def test_what_is_no_number_is_null_in_json(photos: Path, tmp_path: Path) -> None:
    def fail(_noisy: Tensor, _: float | None) -> Tensor:
        raise RuntimeError("no")

    results = measured(photos, tmp_path / "run", methods=[Told("broken", fail)])
    content = json.loads(json.dumps(results.as_json(), allow_nan=False))
    assert content["lines"][0]["psnr"] is None
    assert content["cells"][0]["error"] == "RuntimeError('no')"
    assert len(results.failed) == 6


def test_the_csv_has_a_row_per_cell(photos: Path, tmp_path: Path) -> None:
    results = measured(photos, tmp_path / "run")
    write_all(results, tmp_path / "run")
    with (tmp_path / "run" / "cells.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], row["image"]) for row in rows[:2]] == [("ours", "0"), ("noisy", "0")]
    assert [float(row["psnr"]) for row in rows] == [cell.psnr for cell in results.cells]


def test_tables_show_means_differences_and_costs(photos: Path, tmp_path: Path) -> None:
    results = measured(photos, tmp_path / "run")
    psnr, difference, *_ = result_grids(results)
    assert psnr.title == "PSNR in dB: photos, color, 3 images, protocol awgn"
    assert psnr.header[:4] == ("method", "sigma known", "15", "25")
    mean = sum(c.psnr for c in results.cells if (c.method, c.sigma_255) == ("ours", 25)) / 3
    assert psnr.rows[0][3] == f"{mean:.2f}"
    assert difference.rows[0][2:] == ("-", "-")
    assert re.fullmatch(r"[+-]\d+\.\d\d \[[+-]\d+\.\d\d, [+-]\d+\.\d\d\]", difference.rows[1][2])


def test_a_method_alone_has_nothing_to_differ_from(photos: Path, tmp_path: Path) -> None:
    results = measured(photos, tmp_path / "run", methods=[Told("ours")])
    assert not any("less that of" in grid.title for grid in result_grids(results))


def test_tables_mark_failures_subsets_and_remarks(photos: Path, tmp_path: Path) -> None:
    def fail(noisy: Tensor, _: float | None) -> Tensor:
        if noisy.shape[-1] == 48:
            raise RuntimeError("no")
        return noisy

    class Remarkable(Told):
        note = "not for sale"

    methods: list[Method] = [Told("ours", fail), Remarkable("slow", fail)]
    grid = result_grids(measured(photos, tmp_path / "run", methods=methods))[0]
    assert grid.rows[0][2].endswith("(1 failed)")
    assert grid.rows[1][2] == "failed"
    assert "slow: the first 1 of 3 images only" in grid.notes
    assert "slow: not for sale" in grid.notes
    assert any(note.startswith("timed on") for note in grid.notes)


def test_markdown_tables_have_as_many_cells_in_each_row(photos: Path, tmp_path: Path) -> None:
    for grid in result_grids(measured(photos, tmp_path / "run")):
        lines = [line for line in as_markdown(grid).splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) == 1
        assert len(lines) == 2 + len(grid.rows)


def test_the_figure_shows_every_panel_of_every_kept_image(photos: Path, tmp_path: Path) -> None:
    write_all(measured(photos, tmp_path / "run"), tmp_path / "run")
    with Image.open(tmp_path / "run" / "figure-25.png") as figure:
        width, height = figure.size
        colors = {color for _, color in figure.convert("RGB").getcolors(1 << 24)}
    assert width > 3 * 320  # clean, noisy, ours
    assert height > 2 * 250  # two images
    assert {(220, 40, 40), (255, 210, 60)} <= colors  # the box and the inset


def test_the_page_needs_nothing_but_itself(photos: Path, tmp_path: Path) -> None:
    write_all(measured(photos, tmp_path / "run"), tmp_path / "run")
    page = (tmp_path / "run" / "index.html").read_text()
    assert not re.search(r"https?://|@import|url\(", page)
    assert not re.search(r'\b(src|href)="(?!data:)', page)
    assert "default-src 'none'" in page
    for grid in result_grids(measured(photos, tmp_path / "run")):
        assert grid.title in page


def test_the_page_is_safe_from_the_names_of_things(photos: Path, tmp_path: Path) -> None:
    (photos / "0.png").rename(photos / "<b>&0<script>.png")
    evil = "x</script><img src=1 onerror=alert(1)>"
    results = measured(photos, tmp_path / "run", methods=[Told(evil, smooth)])
    write_all(results, tmp_path / "run")
    page = (tmp_path / "run" / "index.html").read_text()
    assert "<img src=1" not in page.replace("<\\/", "")[: page.index("<script>")]
    script = page[page.index("<script>") :]
    assert script.count("</script>") == 1


def test_without_pictures_there_is_no_figure(photos: Path, tmp_path: Path) -> None:
    config = BenchmarkConfig((25.0,), pictures=0)
    images, methods = open_set(str(photos)), [Told("ours")]
    found = run(images, methods, config, CPU, tmp_path / "run")
    results = collect(found, images, methods, config, CPU)
    names = [path.name for path in write_all(results, tmp_path / "run")]
    assert not any(name.startswith("figure") for name in names)
    assert '"scenes": []' in (tmp_path / "run" / "index.html").read_text()


class TestTable1:
    """The paper's table, done again."""

    def results(self, photos: Path, folder: Path, values: Mapping[str, float]) -> Results:
        methods: list[Method] = [
            Told(label, lambda noisy, _, change=change: noisy + change)
            for label, change in values.items()
        ]
        config = BenchmarkConfig(table1.SIGMAS, pictures=0, limits={"dip": 1})
        images = open_set(str(photos))
        found = run(images, methods, config, CPU, folder)
        return collect(found, images, methods, config, CPU)

    def test_it_has_the_papers_rows_beside_its_numbers(self, photos: Path, tmp_path: Path) -> None:
        results = self.results(photos, tmp_path, {"flowdenoise=mine": 0.0, "bm3d": 0.1, "dip": 0})
        grid = table1.table(results)
        assert [row[0] for row in grid.rows] == [
            "BM3D",
            "DnCNN",
            "N2V",
            "DIP",
            "ours (flowdenoise=mine)",
        ]
        assert [row[4:] for row in grid.rows] == [
            ("33.14", "30.22", "28.25"),
            ("31.73", "29.23", "28.95"),
            ("28.92", "27.68", "26.51"),
            ("27.58", "26.60", "25.97"),
            ("29.10", "28.61", "26.20"),
        ]
        assert grid.rows[1][1:4] == ("-", "-", "-")
        line = next(line for line in results.lines if line.method == "bm3d")
        assert grid.rows[0][1] == f"{line.psnr:.2f}"
        assert "dip: the first 1 of 3 images only" in grid.notes
        assert "protocol awgn" in grid.title

    def test_gray_and_color_are_kept_apart(self) -> None:
        kinds = {(s.image_set, s.protocol) for s in table1.SETTINGS}
        assert kinds == {("bsd68", "awgn"), ("cbsd68", "awgn"), ("cbsd68", "paper")}
        assert table1.find_settings("color-paper")[0].protocol == "paper"
        with pytest.raises(ValueError, match="settings are gray-awgn, color-awgn, color-paper"):
            table1.find_settings("mixed")


def test_an_infinite_psnr_is_written_as_null(photos: Path, tmp_path: Path) -> None:
    results = measured(photos, tmp_path / "run")
    assert math.isfinite(results.lines[0].psnr)
    perfect = results.as_json()
    assert json.dumps(perfect, allow_nan=False)
