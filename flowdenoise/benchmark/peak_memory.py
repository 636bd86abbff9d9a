"""The memory that a piece of work takes at its peak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")  # Linux alone lets a process forget its earlier peak


@dataclass
class Peak:
    """The bytes at the peak above those in use before; None where that can't be told."""

    bytes: int | None = None


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Peak]:
    """Watch the memory of the device, or of the process, while the body runs.

    Memory that the allocators keep from earlier work counts as in use before.

    Yields:
        The peak, which is filled in at the end.
    """
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        allocated = torch.cuda.memory_allocated(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - allocated
        return
    before = _forget_peak()
    yield peak
    if before is not None:
        peak.bytes = max(0, _status("VmHWM") - before)


def _forget_peak() -> int | None:
    """Reset the process's peak; return the bytes now in use, None where that can't be done."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
        return _status("VmRSS")
    except (OSError, LookupError):
        return None


def _status(name: str) -> int:
    """A size from the kernel's record of this process, in bytes."""
    for line in (_PROCESS / "status").read_text().splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    raise LookupError(name)
