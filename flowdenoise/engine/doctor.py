"""Whether this installation is sound: versions, device, weights, and a golden image denoised.

The golden image is drawn by a formula, so nothing can damage it. The PSNR that the shipped
denoisers reached on it when they were shipped is recorded beside the weights.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from flowdenoise import __version__, metrics, noise
from flowdenoise.engine.choices import EngineConfig
from flowdenoise.engine.denoiser import Denoiser
from flowdenoise.errors import FlowdenoiseError
from flowdenoise.system.atomic import replacing
from flowdenoise.system.device import fast_bfloat16
from flowdenoise.system.rules import COLORS
from flowdenoise.weights import manifest, store

GOLDEN_SIGMA = 25 / 255
GOLDEN_TOLERANCE = 0.05
"""The largest deviation in dB from the recorded PSNR: other hardware rounds otherwise."""

_GOLDEN = "golden.json"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        what: The thing that was checked.
        value: The state that it was found in.
        fine: Whether this is as it should be.
    """

    what: str
    value: str
    fine: bool = True


def golden_image(channels: int) -> Tensor:
    """A picture of edges, waves and gradients, (C, 96, 96) in [0, 1]."""
    y, x = np.mgrid[0:96, 0:96] / 96
    rings = 0.5 + 0.35 * np.sin(40 * np.hypot(x - 0.5, y - 0.4) ** 1.5)
    planes = [rings, np.where(x + y > 1, 0.8, rings * 0.6), 0.3 + 0.5 * x * (y > 0.3)]
    return torch.from_numpy(np.stack(planes[:channels]).clip(0, 1)).float()


def golden_psnr(denoiser: Denoiser, channels: int) -> float:
    """The PSNR, in dB, of the golden image with noise of sigma 25 after denoising."""
    clean = golden_image(channels)
    noisy = noise.add_gaussian(clean, GOLDEN_SIGMA, seed=0)
    denoised = denoiser.forward(noisy[None], GOLDEN_SIGMA)[0]
    return metrics.psnr(denoised.clamp(0, 1), clean)


def record_golden(folder: Path) -> None:
    """Write the PSNR of the shipped denoisers on the golden image; whoever ships weights does."""
    denoiser = Denoiser.load(precision="float32", device="cpu")
    values = {
        color: round(golden_psnr(denoiser, channels), 4) for channels, color in COLORS.items()
    }
    with replacing(folder / _GOLDEN) as stream:
        stream.write((json.dumps(values) + "\n").encode())


def examine(config: EngineConfig | None = None) -> Iterator[Check]:
    """Check everything, one finding after the other.

    Args:
        config: The device and the precision for the golden images.
    """
    yield Check("flowdenoise", __version__)
    yield Check("Python", f"{platform.python_version()} on {platform.platform()}")
    yield from examine_packages()
    yield from _weights()
    yield from _golden(config or EngineConfig())


def examine_packages() -> Iterator[Check]:
    """Check the packages that this one needs, according to its installation."""
    for requirement in metadata.requires("flowdenoise") or []:
        if "extra ==" not in requirement:
            yield _version(re.split(r"[^\w.-]", requirement)[0])


def _version(package: str) -> Check:
    try:
        return Check(package, metadata.version(package))
    except metadata.PackageNotFoundError:
        return Check(package, "is needed and not installed", fine=False)


def _weights() -> Iterator[Check]:
    for entry in manifest.shipped().entries:
        try:
            store.verify(entry.name, offline=True)
        except FlowdenoiseError as error:
            yield Check(f"weights {entry.name}", str(error), fine=False)
        else:
            yield Check(f"weights {entry.name}", f"{entry.size / 1e6:.1f} MB, sha256 verified")


def _golden(config: EngineConfig) -> Iterator[Check]:
    expected = json.loads((manifest.shipped_folder() / _GOLDEN).read_text())
    try:
        device, precision = config.device, config.precision
        denoiser = Denoiser.load(device=device, precision=precision, offline=True)
        fast = "fast in bfloat16" if fast_bfloat16(denoiser.device) else "float32 only"
        yield Check("device", f"{denoiser.device} ({fast}), {torch.get_num_threads()} threads")
        for channels, name in COLORS.items():
            value = golden_psnr(denoiser, channels)
            fine = abs(value - expected[name]) <= GOLDEN_TOLERANCE
            text = f"{value:.2f} dB, recorded {expected[name]:.2f} dB"
            yield Check(f"golden image, {name}", text, fine)
    except FlowdenoiseError as error:
        yield Check("golden image", str(error), fine=False)
