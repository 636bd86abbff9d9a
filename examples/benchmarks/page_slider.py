"""How long a slider of the page takes to answer, measured in the browser.

    python examples/benchmarks/page_slider.py --image PHOTO [--width 1304 --height 1000]

The stage is as large as the tab less the panel of 304 pixels, so these sizes show 1 megapixel. An
answer is there when the result is drawn wherever it is seen: right of the wipe, in the middle or
at the left end. The first one is of the quickest effort that the page has, the last one, which
comes when the slider has rested, of the chosen effort. Also told is the processor time of the
server, since other programs may be busy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from browser import Browser, find

_PANEL = 304
_STAGE = "document.getElementById('stage').dataset"
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def main() -> None:
    """Open the page, drop the picture, and slide."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--width", type=int, default=1304)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=6)
    given = parser.parse_args()
    program = find()
    if program is None:
        sys.exit("no Chromium is installed")
    command = [sys.executable, "-m", "flowdenoise", "page", "--no-open", "--offline", "--quiet"]
    with (
        tempfile.TemporaryDirectory() as profile,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,  # noqa: S603
        Browser(program, Path(profile) / "profile") as page,
    ):
        try:
            page.size(given.width, given.height)
            page.open(address_of(server))
            page.wait("document.documentElement.dataset.ready")
            page.drop([given.image], 100, 100)
            page.wait(f"{_STAGE}.seconds", 600)
            seen = (given.width - _PANEL) * given.height / 1e6
            print(f"{seen:.2f} megapixels on the stage, {os.cpu_count()} cores")
            for wipe in (50, 0):
                measure(page, server.pid, wipe, given.rounds)
        finally:
            server.terminate()


def address_of(server: subprocess.Popen[str]) -> str:
    """What the command prints first."""
    if server.stdout is None:
        raise RuntimeError("the server's output is not read")
    return server.stdout.readline().strip()


def measure(page: Browser, server: int, wipe: int, rounds: int) -> None:
    """Slide strength to and fro with the wipe at a place."""
    page.value(f"wipe.value = {wipe}; wipe.dispatchEvent(new Event('input'))")
    efforts = page.value("view.picture.noise.efforts")
    seconds: dict[str, list[float]] = {effort: [] for effort in efforts}
    before = processor_seconds(server)
    for turn in range(rounds):
        page.value(
            f"delete {_STAGE}.seconds; delete {_STAGE}.effort;"
            f"strength.value = {(0.7, 1.2)[turn % 2]}; strength.dispatchEvent(new Event('input'))"
        )
        for effort in efforts:
            found = page.wait(f"{_STAGE}.effort === '{effort}' && {_STAGE}.seconds", 600)
            seconds[effort].append(float(found))
        page.wait("!view.running", 600)  # what is hidden left of the wipe comes after
    spent = (processor_seconds(server) - before) / rounds
    for effort, found in seconds.items():
        print(
            f"wipe at {wipe} %, effort {effort}: median {statistics.median(found):.2f} s, "
            f"best {min(found):.2f} s, worst {max(found):.2f} s"
        )
    print(f"the server's processor time per move {spent:.2f} s; load {os.getloadavg()[0]:.1f}")


def processor_seconds(process: int) -> float:
    """Processor time of a process so far, of all its threads (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()
