"""Export to ONNX: a denoiser for other programs, in one file, for images of any size.

    noisy (batch, channels, height, width), sigma (batch,) -> denoised, all float32, [0, 1] scale

A denoiser of photographs has an input `maps` (batch, 2, height, width) in place of `sigma`: the
noise levels of brightness and of color.

A network wants sides that are multiples of its stride. The exported graph mirrors the image at
its right and lower border up to the next multiple, and crops the result, so its users need not
know.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from flowdenoise.errors import MissingExtraError, UsageError, WeightsError
from flowdenoise.networks import NetworkConfig
from flowdenoise.weights.architectures import ARCHITECTURES
from flowdenoise.weights.file import WeightsFile

TOLERANCE = 1e-4
"""Largest difference to torch that an export may have, on the [0, 1] scale."""

CHECKED_SIZES = ((1, 37, 51), (2, 40, 33), (1, 5, 64), (3, 8, 9))
"""Batch, height and width of the images on which every export is checked."""

_NEEDED = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True)
class Export:
    """An exported denoiser.

    Attributes:
        path: The ONNX file.
        difference: Largest difference to torch that was found on `CHECKED_SIZES`.
    """

    path: Path
    difference: float


class AnySize(nn.Module):
    """A denoiser that takes any size.

    Args:
        network: One that needs multiples of `network.config.stride`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.stride = int(network.config.stride)  # type: ignore[arg-type]

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Denoise (B, C, H, W) at noise levels (B,) or maps (B, 2, H, W); same shape back."""
        height, width = noisy.shape[-2:]
        rows, columns = self._mirrored(height), self._mirrored(width)
        padded = noisy[:, :, rows][..., columns]
        if sigma.ndim == 4:
            sigma = sigma[:, :, rows][..., columns]
        denoised: Tensor = self.network(padded, sigma)
        return denoised[..., :height, :width]

    def _mirrored(self, length: int) -> Tensor:
        """Indices of an axis that goes on by reflection up to the next multiple of the stride.

        As `images.borders.mirror`, in operations that stay symbolic while a graph is traced.
        """
        place = torch.arange((length + self.stride - 1) // self.stride * self.stride)
        period = (2 * torch.ones((), dtype=torch.int64) * length - 2).clamp(min=1)
        place = place % period
        return torch.minimum(place, period - place)


def export_onnx(weights: WeightsFile, path: Path) -> Export:
    """Export a denoiser and compare what it does with torch.

    Args:
        weights: A loaded denoiser.
        path: The ONNX file to write.

    Raises:
        MissingExtraError: The packages for it are not installed.
        UsageError: The weights are no denoiser.
        WeightsError: The result differs from torch by more than `TOLERANCE`, or can't be written.
    """
    for name in _NEEDED:
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(f"{name} is missing: pip install 'flowdenoise[onnx]'")
    if ARCHITECTURES[weights.kind].role != "denoiser":
        raise UsageError(f"only denoisers are exported, not a {ARCHITECTURES[weights.kind].role}")
    model = AnySize(weights.network).eval()
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        _write(model, weights.config, part)
        difference = _largest_difference(model, weights.config, part)
        if difference > TOLERANCE:
            raise WeightsError(f"the export differs from torch by {difference:.2g}: not written")
        part.replace(path)
    except OSError as error:
        raise WeightsError(f"can't write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # where nothing could be made, nothing is left
            part.unlink()
    return Export(path, difference)


def _write(model: AnySize, config: NetworkConfig, path: Path) -> None:
    example = tuple(torch.full(shape, 0.1) for shape in _shapes(config, 2, 37, 51))
    batch = torch.export.Dim("batch")
    sides = {2: torch.export.Dim("height"), 3: torch.export.Dim("width")}
    level = {0: batch, **sides} if _takes_maps(config) else {0: batch}
    with _quietly(), torch.no_grad():
        torch.onnx.export(
            model,
            example,
            path,
            input_names=_input_names(config),
            output_names=["denoised"],
            dynamic_shapes={"noisy": {0: batch, **sides}, "sigma": level},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _takes_maps(config: NetworkConfig) -> bool:
    return config.sigma_channels > 1


def _input_names(config: NetworkConfig) -> list[str]:
    return ["noisy", "maps" if _takes_maps(config) else "sigma"]


def _shapes(
    config: NetworkConfig, batch: int, height: int, width: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of the two inputs."""
    noisy = (batch, config.image_channels, height, width)
    maps = (batch, config.sigma_channels, height, width)
    return noisy, maps if _takes_maps(config) else (batch,)


def _largest_difference(model: AnySize, config: NetworkConfig, path: Path) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    for size in CHECKED_SIZES:
        noisy, level = (torch.rand(shape, generator=generator) for shape in _shapes(config, *size))
        inputs = (noisy, 0.2 * level)
        with torch.no_grad():
            expected = model(*inputs)
        values = (tensor.numpy() for tensor in inputs)
        (actual,) = session.run(None, dict(zip(_input_names(config), values, strict=True)))
        largest = max(largest, float((torch.from_numpy(actual) - expected).abs().max()))
    return largest


@contextmanager
def _quietly() -> Iterator[None]:
    """Hold back what the exporter says of its own internals."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
