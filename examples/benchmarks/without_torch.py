"""The network without torch: ONNX Runtime and OpenVINO beside torch, one thread.

    pip install openvino
    python examples/benchmarks/without_torch.py --images bsds500-val32 [--model color]

The 8-bit model is calibrated on crops of the pictures of odd number and judged on those of even
number, in PSNR of the unclipped noise of `awgn`. Speed is processor time on 512x512 pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import torch
from onnxruntime import quantization
from torch import Tensor

from flowdenoise import images, weights
from flowdenoise.engine import TileDenoiser
from flowdenoise.metrics import psnr
from flowdenoise.weights.onnx import export_onnx

LEVELS = (15 / 255, 50 / 255)
CROP, SIDE, ROUNDS, PICTURES = 160, 512, 3, 6

Run = Callable[[Tensor, float], Tensor]


class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Noisy crops at all levels."""

    def __init__(self, crops: list[Tensor]) -> None:
        self._inputs = iter(
            {"noisy": noisy_of(crop, sigma, seed).numpy(), "sigma": np.float32([sigma])}
            for seed, crop in enumerate(crops)
            for sigma in (5 / 255, *LEVELS)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """What comes next, or None at the end."""
        return next(self._inputs, None)


def noisy_of(clean: Tensor, sigma: float, seed: int) -> Tensor:
    """The crop with white noise of its own seed."""
    return clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


def crops_of(folder: Path) -> Iterator[Tensor]:
    """The middle of each picture, (1, C, CROP, CROP)."""
    for file in sorted(file for file in folder.rglob("*") if images.format_of(file)):
        picture = images.read(file).tensor()
        top, left = ((side - CROP) // 2 for side in picture.shape[-2:])
        yield picture[..., top : top + CROP, left : left + CROP]


def by_torch(model: str, precision: torch.dtype) -> Run:
    """The bare network in torch."""
    network = weights.load(model).network
    tiles = TileDenoiser.of(network, torch.device("cpu"), precision)
    return lambda noisy, sigma: tiles.network(
        noisy.contiguous(memory_format=torch.channels_last), sigma
    )


def by_onnxruntime(file: Path) -> Run:
    """The exported network in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(noisy: Tensor, sigma: float) -> Tensor:
        given = {"noisy": noisy.numpy(), "sigma": np.float32([sigma])}
        return torch.from_numpy(session.run(None, given)[0])

    return run


def by_openvino(file: Path, precision: str) -> Run:
    """The exported network in OpenVINO, which multiplies in that precision if it can."""
    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision}
    model = openvino.Core().compile_model(file, "CPU", settings)

    def run(noisy: Tensor, sigma: float) -> Tensor:
        given = {"noisy": noisy.numpy(), "sigma": np.float32([sigma])}
        return torch.from_numpy(next(iter(model(given).values())).copy())

    return run


def main() -> None:
    """Export, calibrate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--model", default="color")
    given = parser.parse_args()
    torch.set_num_threads(1)
    crops = list(crops_of(given.images))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        plain, ready, small = (
            Path(folder) / f"{name}.onnx" for name in ("plain", "ready", "8bit")
        )
        export_onnx(weights.load(given.model), plain)
        quantization.quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(ready),
            str(small),
            Calibration(crops[1::2][:PICTURES]),
            per_channel=True,
            op_types_to_quantize=["Conv"],
        )
        runs = {
            "torch float32": by_torch(given.model, torch.float32),
            "torch bfloat16": by_torch(given.model, torch.bfloat16),
            "ONNX Runtime float32": by_onnxruntime(plain),
            "ONNX Runtime 8 bits": by_onnxruntime(small),
            "OpenVINO float32": by_openvino(plain, "f32"),
            "OpenVINO bfloat16": by_openvino(plain, "bf16"),
            "OpenVINO 8 bits": by_openvino(small, "bf16"),
        }
        print(f"torch computes with {torch.backends.cpu.get_cpu_capability()}")
        for name, run in runs.items():
            report(name, run, crops[::2][:PICTURES])


def report(name: str, run: Run, crops: list[Tensor]) -> None:
    """Print speed and PSNR."""
    noisy = torch.rand(1, crops[0].shape[1], SIDE, SIDE)
    run(noisy, LEVELS[0])
    best = min(processor_seconds(lambda: run(noisy, LEVELS[0])) for _ in range(ROUNDS))
    quality = []
    for sigma in LEVELS:
        found = [
            psnr(run(noisy_of(crop, sigma, seed), sigma).float().clamp(0, 1), crop)
            for seed, crop in enumerate(crops, start=100)
        ]
        quality.append(f"{sum(map(float, found)) / len(found):.2f}")
    speed = SIDE * SIDE / 1e6 / best
    print(f"{name:22} {speed:.3f} megapixels/s, {' / '.join(quality)} dB at 15 / 50", flush=True)


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of a piece of work."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
