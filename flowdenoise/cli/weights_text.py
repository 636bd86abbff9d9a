"""Weights for people: lines of the list, the page of one file, and the same facts as JSON.

Names and records in a weights file may come from a stranger, so text that could control a terminal
is shown as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flowdenoise import noise
from flowdenoise.system.cache import readable_size
from flowdenoise.system.rules import COLORS
from flowdenoise.weights.architectures import ARCHITECTURES, architecture
from flowdenoise.weights.manifest import Entry, Result
from flowdenoise.weights.store import Inspection, Shipped

HEADINGS = ("name", "role", "kind", "for", "size", "license", "measured", "where")
"""The headings of the list's columns."""

SHOWN_SIGMA = 25.0
"""Noise level at which the list shows a denoiser's PSNR, 0 to 255 scale."""


def row(shipped: Shipped) -> tuple[str, ...]:
    """One line of the list."""
    entry = shipped.entry
    return (
        entry.name,
        entry.role,
        entry.kind,
        COLORS[entry.channels],
        readable_size(entry.size),
        entry.license,
        _headline(entry),
        _where(shipped),
    )


def _headline(entry: Entry) -> str:
    """The one figure that the list shows, and the set that it was measured on."""
    for result in entry.results:
        on = f"{result.set} {result.protocol}"
        if result.bits_per_dim is not None:
            return f"{result.bits_per_dim:.3f} bits/dim, {on}"
        if result.psnr is not None and result.sigma_255 == SHOWN_SIGMA:
            return f"{result.psnr:.2f} dB at sigma {SHOWN_SIGMA:g}, {on}"
    return ""


def _where(shipped: Shipped) -> str:
    if shipped.origin == "hub":
        return "on the Hub"
    return shipped.origin if shipped.path else "missing: reinstall flowdenoise"


def shipped_facts(shipped: Shipped) -> dict[str, Any]:
    """Everything that the manifest says about the weights, and the path of the file."""
    path = None if shipped.path is None else str(shipped.path)
    return {
        **asdict(shipped.entry),
        "role": shipped.entry.role,
        "origin": shipped.origin,
        "path": path,
    }


def facts(inspection: Inspection) -> dict[str, Any]:
    """Everything that a file and the manifest say; other files have None for the manifest's part.

    Raises:
        WeightsIntegrityError: The file is of an unknown kind.
    """
    found, header, entry = inspection.resolved, inspection.header, inspection.entry
    record = header.record
    return {
        "address": str(found.address),
        "path": str(found.path),
        "origin": found.origin,
        "sha256": found.sha256,
        "size": found.path.stat().st_size,
        "role": architecture(record.kind, str(found.address)).role,
        "kind": record.kind,
        "takes": _takes(record.kind, record.config),
        "format": record.format,
        "parameters": header.parameters,
        "manifest": None if entry is None else asdict(entry),
        "config": record.config,
        "training": record.training,
        "tensors": {name: asdict(info) for name, info in header.tensors.items()},
    }


def _takes(kind: str, config: Mapping[str, Any]) -> str:
    """What a network is given, as the header has it: to build the configuration takes torch."""
    values = {**ARCHITECTURES[kind].before, **config}
    pictures = f"{COLORS[1 if values.get('image_channels') == 1 else 3]} pictures"
    if values.get("noise_map") is not True:
        return pictures
    if values.get("maps") == 1:
        return f"{pictures} and the level of their noise"
    return f"{pictures} and maps of their noise, of brightness and of color"


def page(known: Mapping[str, Any], *, tensors: bool) -> str:
    """The facts as a page.

    Args:
        known: The facts, from `facts`.
        tensors: Whether to name all tensors, of which a flow has a thousand.
    """
    count = f"{known['parameters']:,} in {len(known['tensors'])} tensors"
    file = {
        "file": f"{known['path']} ({known['origin']})",
        "sha256": known["sha256"],
        "size": readable_size(known["size"]),
        "kind": f"{known['kind']} ({known['role']})",
        "takes": known["takes"],
        "parameters": count,
    }
    lines = [known["address"], *_aligned({**file, **_from_manifest(known["manifest"])})]
    for title in ("config", "training"):
        lines += [title, *(_aligned(known[title]) or ["  nothing"])]
    if tensors:
        shapes = {
            name: f"{tensor['dtype']} {'x'.join(map(str, tensor['shape'])) or 'number'}"
            for name, tensor in known["tensors"].items()
        }
        lines += ["tensors", *_aligned(shapes)]
    return "\n".join(lines)


def _from_manifest(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    if entry is None:
        return {}
    low, high = map(noise.to_255, entry["sigma_range"])
    rows = {
        "summary": entry["summary"],
        "for": f"{COLORS[entry['channels']]} pictures, noise of sigma {low:.3g} to {high:.3g}",
        "license": entry["license"],
        "data": entry["data"],
        "hub": entry["hub"],
    }
    results = {f"result {i}": _result(Result(**r)) for i, r in enumerate(entry["results"], 1)}
    return {name: value for name, value in {**rows, **results}.items() if value is not None}


def _result(result: Result) -> str:
    figures = (("dB", result.psnr), ("SSIM", result.ssim), ("bits/dim", result.bits_per_dim))
    texts = (f"{value:.4g} {unit}" for unit, value in figures if value is not None)
    return f"{result.set}, {result.protocol}, sigma {result.sigma_255:g}: {', '.join(texts)}"


def _aligned(rows: Mapping[str, Any]) -> list[str]:
    """Names and values in two columns."""
    plain = [(_plain(name), _plain(value)) for name, value in rows.items()]
    width = max((len(name) for name, _ in plain), default=0)
    return [f"  {name:<{width}}  {value}" for name, value in plain]


def _plain(value: object) -> str:
    """A value as plain text, or as JSON if it is no text or could control a terminal."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if text.isprintable() else json.dumps(text)
