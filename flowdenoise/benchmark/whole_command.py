"""The whole command on a large photograph: its time against the bare network's, its memory.

`flowdenoise denoise` starts, decodes, estimates the noise, cuts, blends and encodes; the bare
network only passes over the same pixels, each once. Both are timed in the same run, so their ratio
can be compared between machines.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from flowdenoise import images, weights
from flowdenoise.benchmark.config import WholeCommandConfig
from flowdenoise.benchmark.synthetic import photograph
from flowdenoise.engine import EngineConfig, TileDenoiser, takes_integers
from flowdenoise.errors import DeviceError, FlowdenoiseError
from flowdenoise.images import Picture
from flowdenoise.system.device import choose_device, choose_precision

COMMAND = (sys.executable, "-m", "flowdenoise", "denoise", "--quiet")

_BARE_TILE = 512

# A process's record of its peak memory starts with its parent's, so the command is started by a
# small process and not by this one.
_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
seconds = time.perf_counter() - start
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss]))
"""


@dataclass(frozen=True)
class WholeCommand:
    """The time and the memory of the whole command.

    Attributes:
        width: The width of the photograph, in pixels.
        height: The height of the photograph, in pixels.
        seconds: The time of the whole command, from its start to its end.
        peak_bytes: The command's peak memory, in bytes.
        bare_seconds: The time of the network alone; None if it was not measured.
    """

    width: int
    height: int
    seconds: float
    peak_bytes: int
    bare_seconds: float | None

    @property
    def ratio(self) -> float | None:
        """The time of the whole command divided by that of the bare network."""
        return None if self.bare_seconds is None else self.seconds / self.bare_seconds


def measure(
    megapixels: float,
    *,
    model: str = "color",
    device: str = EngineConfig.device,
    precision: str = EngineConfig.precision,
    rounds: int = WholeCommandConfig.rounds,
    bare: bool = True,
    on_step: Callable[[str], None] | None = None,
) -> WholeCommand:
    """Denoise a photograph of 4:3, in turns by the command and by the bare network.

    Args:
        megapixels: The size of the photograph.
        model: The address of the weights.
        device: The device, as the command takes it.
        precision: The precision, as the command takes it.
        rounds: The number of rounds, of which the best counts.
        bare: Whether to time the bare network, too.
        on_step: Called with the next step in words.

    Raises:
        DeviceError: The system does not tell the memory of a process.
        FlowdenoiseError: The command failed. The message is its own.
    """
    if not hasattr(os, "wait4"):
        raise DeviceError("this system does not tell how much memory a command took")
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    height = round(megapixels * 1e6 / width)
    seconds, peak, alone = math.inf, 0, math.inf
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "photograph.png"
        images.write(Picture(photograph(height, width)), source)
        options = ["--model", model, "--device", device, "--precision", precision]
        for _ in range(rounds):
            if on_step:
                on_step(f"denoising {megapixels:g} megapixels by the command")
            spent, memory = run_command(
                [str(source), "-o", f"{folder}/out.png", "--overwrite", *options]
            )
            seconds, peak = min(seconds, spent), max(peak, memory)
            if bare:
                if on_step:
                    on_step(f"denoising {megapixels:g} megapixels by the bare network")
                alone = min(alone, _bare(source, model, device, precision))
    return WholeCommand(width, height, seconds, peak, alone if bare else None)


def run_command(arguments: list[str]) -> tuple[float, int]:
    """Run `flowdenoise denoise` with these arguments; return its seconds and its peak bytes.

    Raises:
        FlowdenoiseError: The command failed. The message is its own.
    """
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _LAUNCHER, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FlowdenoiseError(f"the command could not be started: {done.stderr.strip()[-200:]}")
    status, seconds, peak = json.loads(done.stdout.splitlines()[-1])
    if status:
        raise FlowdenoiseError(f"flowdenoise denoise failed: {done.stderr.strip()[-200:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return float(seconds), int(peak) * unit


def _bare(source: Path, model: str, device: str, precision: str) -> float:
    """The seconds of the network alone over all pixels, in tiles side by side."""
    where = choose_device(device)
    multiplied = choose_precision(precision, where)
    eight_bits = takes_integers(EngineConfig(precision=precision), multiplied, where)
    network = TileDenoiser.of(
        weights.load(model).network, where, multiplied, eight_bits=eight_bits
    )
    picture, stride = images.read(source), network.config.stride
    seconds = 0.0
    with torch.no_grad():
        for top in range(0, picture.height, _BARE_TILE):
            band = picture.tensor(slice(top, top + _BARE_TILE)).to(where)
            band = band[:, :, : band.shape[2] // stride * stride]
            start = time.perf_counter()
            for left in range(0, picture.width, _BARE_TILE):
                part = band[..., left : left + _BARE_TILE]
                even = part.shape[3] // stride * stride
                if part.shape[2] and even:
                    network(part[..., :even], 15 / 255)
            if where.type == "cuda":
                torch.cuda.synchronize(where)
            seconds += time.perf_counter() - start
    return seconds
