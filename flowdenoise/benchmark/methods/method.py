"""The contract of a method: prepare once, then denoise one image after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

from flowdenoise.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class MethodOptions:
    """What the user says about how methods run; methods that don't care don't look.

    Attributes:
        precision: In what networks multiply, as `device.PRECISIONS`.
        tile: Side of a tile, 0 for none, None for the network's own default.
        overlap: Context on each side of a tile; None for the network's own default.
        offline: Never ask the network for weights.
        data_dir: Folder in which weights of others may lie, or in its sub-folder `peers`.
        eight_bit: Give the engine pictures of 8 bits, as files hold them, instead of floats.
    """

    precision: str = "auto"
    tile: int | None = None
    overlap: int | None = None
    offline: bool = False
    data_dir: Path | None = None
    eight_bit: bool = False


class Method(ABC):
    """One system that denoises, as the benchmark sees it.

    Args:
        label: What the tables call it.
    """

    blind: bool = False
    """Whether it is not told the noise level."""

    told: float | None = None
    """The noise level that it is told whatever the noise is, on the [0, 1] scale."""

    found: float | None = None
    """The noise level that it found in the last image, on the [0, 1] scale, if it looks for it."""

    weights: str | None = None
    """sha256 of its weights, if it has any."""

    multiply_adds_per_pixel: float | None = None
    """Cost where it is that of a network."""

    measured_raw: ClassVar[bool] = False
    """Whether its output is measured without the protocol's rounding."""

    note: ClassVar[str] = ""
    """What readers of a table must know."""

    packages: ClassVar[tuple[str, ...]] = ()
    """What it computes with, besides torch; their versions go into the results."""

    def __init__(self, label: str) -> None:
        self.label = label

    def prepare(self, channels: int, device: torch.device) -> None:  # noqa: B027 - most need none
        """Get ready for images of `channels` channels on `device`.

        Raises:
            MissingExtraError: A package is not installed; says which.
            WeightsError, UsageError: Weights can't be had, or are for other images.
        """

    def level(self, sigma: float | None) -> float | None:
        """What it is told about noise of a level; None if it is told nothing.

        Args:
            sigma: On the [0, 1] scale; None where nobody knows it.

        Raises:
            UsageError: It must be told, and nobody knows.
        """
        if self.blind:
            return None
        if self.told is None and sigma is None:
            raise UsageError(
                f"{self.label} must be told a noise level: {self.label}@12 tells it 12"
            )
        return sigma if self.told is None else self.told

    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """All that its numbers depend on besides image, noise and weights; plain JSON.

        Results are kept under these settings, so a change of a method must show in them.
        """

    @abstractmethod
    def denoise(self, noisy: Tensor, sigma: float | None) -> Tensor:
        """Estimate the clean image.

        Args:
            noisy: (1, C, H, W), about [0, 1], on the CPU; not changed.
            sigma: Noise level on the [0, 1] scale; None for a `blind` method.

        Returns:
            (1, C, H, W) on the CPU, float32, not clamped.
        """


def import_extra(module: str, extra: str, what: str, remark: str = "") -> ModuleType:
    """Import an optional package.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs a package that is not installed: "
            f"pip install 'flowdenoise[{extra}]'{remark}"
        ) from error
