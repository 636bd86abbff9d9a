"""The model card of a weights file, from its entry in the manifest: one page for people."""

from __future__ import annotations

import json

from flowdenoise import noise
from flowdenoise.system.cache import readable_size
from flowdenoise.system.rules import COLORS
from flowdenoise.weights.address import SCHEME
from flowdenoise.weights.manifest import Entry, Result

_FIGURES = (("psnr", "PSNR (dB)"), ("ssim", "SSIM"), ("bits_per_dim", "bits per dim"))


def card(entry: Entry, *, repo: str | None = None) -> str:
    """The card's text, in Markdown.

    Args:
        entry: What is known about the file.
        repo: `owner/name` on the Hub, where it is published there.
    """
    pin = f"#sha256={entry.sha256}"
    address = f"{SCHEME}{repo}@main/{entry.file}{pin}" if repo else entry.name
    low, high = (f"{noise.to_255(sigma):.3g}" for sigma in entry.sigma_range)
    return f"""# {entry.name}

{entry.summary}

A {entry.role} of flowdenoise for {COLORS[entry.channels]} images
with noise of sigma {low} to {high} on the scale of 0 to 255.

```
pip install flowdenoise
flowdenoise weights info {address}
```
{_usage(entry, address)}
## Results

{_results(entry.results)}

## Training

{entry.data}

```json
{json.dumps(dict(entry.training), indent=2, sort_keys=True)}
```

## File

{_file_table(entry)}
"""


def _usage(entry: Entry, address: str) -> str:
    if entry.role != "denoiser":
        return ""
    return f"\n```\nflowdenoise denoise photo.png --model {address}\n```\n"


def _file_table(entry: Entry) -> str:
    rows = {
        "file": f"`{entry.file}`",
        "kind": entry.kind,
        "parameters": f"{entry.parameters:,}",
        "size": readable_size(entry.size),
        "sha256": f"`{entry.sha256}`",
        "license": entry.license,
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in rows.items())])


def _results(results: tuple[Result, ...]) -> str:
    if not results:
        return "None measured."
    shown = [(key, title) for key, title in _FIGURES if any(getattr(r, key) for r in results)]
    rows = [["set", "protocol", "sigma", *(title for _, title in shown)]]
    rows.append(["---"] * len(rows[0]))
    for result in results:
        figures = [_figure(getattr(result, key)) for key, _ in shown]
        rows.append([result.set, result.protocol, f"{result.sigma_255:g}", *figures])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
