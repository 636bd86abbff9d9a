"""What a result was computed with: versions, processor, device."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import torch

from flowdenoise import __version__

_ALWAYS = ("torch", "numpy", "pillow")


def versions(packages: Iterable[str] = ()) -> dict[str, str]:
    """The versions of Python, flowdenoise and packages, without those that are not installed."""
    found = {"flowdenoise": __version__, "python": platform.python_version()}
    for package in (*_ALWAYS, *packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine(device: torch.device) -> str:
    """The hardware that computes, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{_processor()}, {threads} thread{'s' if threads > 1 else ''}, {device.type}"


def _processor() -> str:
    """The processor's name as Linux tells it, or else as Python does."""
    record = Path("/proc/cpuinfo")
    if record.is_file():
        for line in record.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
