"""`index.html`: the tables, and pictures to compare under a slider, all in one file.

The file loads nothing: it contains its pictures, and its content policy forbids everything else.
"""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any

from flowdenoise.benchmark.protocols import level_text
from flowdenoise.benchmark.report.grids import Grid, result_grids
from flowdenoise.benchmark.report.panels import Panel, Scene, scenes
from flowdenoise.benchmark.results import Results

_TEMPLATE = Path(__file__).with_name("page.html")


def render(results: Results, folder: Path) -> str:
    """Make the page of a run.

    Args:
        results: The results of the run.
        folder: The folder with its pictures.
    """
    sigma = sorted(results.sigmas_255)[(len(results.sigmas_255) - 1) // 2]
    kept = [_scene(scene) for scene in scenes(results, sigma, folder)]
    data = json.dumps({"level": level_text(sigma), "scenes": kept}).replace("</", "<\\/")
    parts = {
        "<!-- title -->": html.escape(results.title),
        "<!-- facts -->": _facts(results),
        "<!-- tables -->": "\n".join(_table(grid) for grid in result_grids(results)),
        "null /* data */": data,
    }
    text = _TEMPLATE.read_text("utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _scene(scene: Scene) -> dict[str, Any]:
    return {"image": scene.image, "panels": [_panel(panel) for panel in scene.panels]}


def _panel(panel: Panel) -> dict[str, str]:
    encoded = base64.b64encode(panel.file.read_bytes()).decode("ascii")
    psnr = "" if panel.psnr is None else f"{panel.psnr:.2f} dB"
    return {"label": panel.label, "psnr": psnr, "source": f"data:image/png;base64,{encoded}"}


def _facts(results: Results) -> str:
    facts = {
        "noise": results.seed_note,
        "device": f"{results.device}: {results.machine}",
        "versions": ", ".join(f"{name} {text}" for name, text in results.versions.items()),
    }
    for method in results.methods:
        if method.weights:
            facts[f"weights of {method.label}"] = f"sha256 {method.weights}"
    return "\n".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items()
    )


def _table(grid: Grid) -> str:
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in grid.header)
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(text)}</td>" for text in row[1:])
        + "</tr>"
        for row in grid.rows
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in grid.notes)
    return (
        f"<table><caption>{html.escape(grid.title)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>\n<ul>{notes}</ul>"
    )
